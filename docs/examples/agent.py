"""Takes para's commands in a container and says what it does (docs/status-protocol.md). Run it with PARA_RUNNER=off."""
import json
import os
import subprocess
import time
from datetime import datetime, timezone

OUT = os.environ.get("PARA_STATUS_DIR", "/run/para/out")
CMD = os.environ.get("PARA_COMMAND_DIR", "/run/para/cmd")


def put(path, text):
    """Never half written: under another name first."""
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(path + ".tmp", path)


def say(phase, current, total):
    timestamp = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    progress = {"current": current, "total": total}
    put(f"{OUT}/status.json", json.dumps({"timestamp": timestamp, "status": "running", "phase": phase, "progress": progress}))


def claim(command_id):
    try:
        os.mkdir(f"{OUT}/queue/{command_id}")
        return True
    except FileExistsError:
        return False  # Somebody has it.


def run(command):
    job = f"{OUT}/queue/{command['id']}"
    line = command["command"]
    argv = ["sh", "-c", line] if "args" not in command else [line, *command["args"]]
    limit = command.get("timeout_seconds")
    started = time.monotonic()
    with open(f"{job}/stdout", "ab") as stdout, open(f"{job}/stderr", "ab") as stderr:
        try:
            child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                cwd=command.get("working_dir", "/workspace"), env={**os.environ, **command.get("env", {})},
            )
        except OSError:
            put(f"{job}/exit", "127\n")
            return
        reason = None
        while child.poll() is None:
            time.sleep(0.1)
            if reason is None:
                if limit is not None and time.monotonic() - started > limit:
                    reason = "timeout"
                elif os.path.exists(f"{CMD}/queue/{command['id']}.cancel"):
                    reason = "cancelled"
                if reason is not None:
                    put(f"{job}/reason", reason + "\n")
                    child.terminate()
    code = child.returncode
    put(f"{job}/exit", f"{code if code >= 0 else 128 - code}\n")


def waiting():
    try:
        with open(f"{CMD}/commands.json", encoding="utf-8") as file:
            commands = json.load(file)["commands"]
    except FileNotFoundError:
        return []
    left = [
        one for one in commands
        if one["type"] == "exec" and not os.path.exists(f"{OUT}/queue/{one['id']}")
        and not os.path.exists(f"{CMD}/queue/{one['id']}.cancel")
    ]
    return sorted(left, key=lambda one: one.get("priority", 5))


os.makedirs(f"{OUT}/queue", exist_ok=True)
done = 0
while True:
    left = waiting()
    if not left:
        say("waiting", done, done)
        time.sleep(1)
    elif claim(left[0]["id"]):
        say(f"running {left[0]['id']}", done, done + len(left))
        run(left[0])
        done += 1
