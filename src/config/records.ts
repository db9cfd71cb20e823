import { problemsOf, summaryOf } from './explain.ts';
import {
  validateAgentRecord,
  validateApprovalFile,
  validateCommandsFile,
  validateHealthFile,
  validateMetricsFile,
  validateRegistryFile,
  validateSessionRecord,
  validateStatusFile,
} from './generated/validators.cjs';

/** What is wrong with a session record, in words; undefined when it fits schemas/session.schema.json. */
export function checkSessionRecord(data: unknown): string | undefined {
  const problems = problemsOf(data, validateSessionRecord);
  return problems.length === 0 ? undefined : summaryOf(problems);
}

/** True for what fits schemas/agent.schema.json. */
export function isAgentRecord(data: unknown): boolean {
  return validateAgentRecord(data);
}

/** True for what fits schemas/commands.schema.json. */
export function isCommandsFile(data: unknown): boolean {
  return validateCommandsFile(data);
}

/** What is wrong with one command of such a file, in words; undefined when it fits. */
export function checkCommand(command: unknown): string | undefined {
  const problems = problemsOf({ commands: [command] }, validateCommandsFile);
  const within = problems.map(({ place, message }) => ({
    place: place.replace(/^commands\[0\]\.?/, ''),
    message,
  }));
  return problems.length === 0 ? undefined : summaryOf(within);
}

/** What is wrong with a status, in words; undefined when it fits schemas/status.schema.json. */
export function checkStatusFile(data: unknown): string | undefined {
  const problems = problemsOf(data, validateStatusFile);
  return problems.length === 0 ? undefined : summaryOf(problems);
}

/** True for what fits schemas/health.schema.json. */
export function isHealthFile(data: unknown): boolean {
  return validateHealthFile(data);
}

/** True for what fits schemas/registry.schema.json. */
export function isRegistryFile(data: unknown): boolean {
  return validateRegistryFile(data);
}

/** True for what fits schemas/metrics.schema.json. */
export function isMetricsFile(data: unknown): boolean {
  return validateMetricsFile(data);
}

/** True for what fits schemas/approval.schema.json. */
export function isApprovalFile(data: unknown): boolean {
  return validateApprovalFile(data);
}
