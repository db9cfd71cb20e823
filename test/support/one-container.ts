/** An engine for tests of what watches containers. */
import type { ContainerInfo, ContainerRow, ExecRequest } from '../../src/docker/driver.ts';

/** An engine with one container `c`, which does what it is told. */
export class OneContainer {
  readonly calls: string[] = [];
  state: 'running' | 'exited' = 'running';
  exitCode = 0;
  oomKilled = false;
  health: ContainerInfo['health'] = 'none';
  healthDriver: 'engine' | 'para' = 'engine';
  checked: () => Promise<{ exitCode: number; stdout: string; stderr: string }> = () =>
    Promise.resolve({ exitCode: 0, stdout: '', stderr: '' });
  start: () => Promise<void> = () => Promise.resolve();
  inspected: () => Promise<void> = () => Promise.resolve();

  get engine(): object {
    return { driver: { name: 'docker' }, capabilities: { healthDriver: this.healthDriver } };
  }
  list(): Promise<readonly ContainerRow[]> {
    this.calls.push('ps');
    const up = this.health === 'none' ? 'Up 2 seconds' : `Up 2 seconds (${this.health})`;
    const status = this.state === 'running' ? up : `Exited (${String(this.exitCode)}) now`;
    return Promise.resolve([{ id: 'i', name: 'c', image: 'i', state: this.state, status, ports: [] }]);
  }
  async status(): Promise<Partial<ContainerInfo>> {
    await this.inspected();
    return this.info;
  }
  async inspect(names: readonly string[]): Promise<readonly Partial<ContainerInfo>[]> {
    if (names.length === 0) return [];
    this.calls.push(`inspect ${names.join(' ')}`);
    await this.inspected();
    return [this.info];
  }
  private get info(): Partial<ContainerInfo> {
    const { state, exitCode, health, oomKilled } = this;
    return { id: 'i', name: 'c', state, exitCode, health, oomKilled, memoryBytes: 2 ** 26 };
  }
  async wakeContainer(): Promise<Partial<ContainerInfo>> {
    this.calls.push('start');
    await this.start();
    this.state = 'running';
    const { state, health } = this;
    return { id: 'i', state, health, startedAt: '2026-01-02T00:00:01Z', ports: [] };
  }
  stopContainer(_name: string, grace: number): Promise<void> {
    this.calls.push(`stop ${String(grace)}`);
    this.state = 'exited';
    return Promise.resolve();
  }
  execCapture(request: ExecRequest): ReturnType<OneContainer['checked']> {
    this.calls.push(`exec ${request.argv.join(' ')}`);
    return this.checked();
  }
  logs(): Promise<string> {
    return Promise.resolve('one\n\ntwo  \n');
  }
  die(oomKilled = false): void {
    Object.assign(this, { state: 'exited', exitCode: 137, oomKilled });
  }
}
