/** `cldctl-iac/client`: the typed client; its import graph holds no Docker and no worker code. */
export { IacClient, type IacClientOptions } from './iac-client.js';
export type * from './types.js';
export type { Schedules } from './schedules/schedules.js';
export type * from './schedules/types.js';
export { CodedError } from '../errors.js';
export type {
  Decision,
  DecisionResult,
  OperationInput,
  OperationResult,
  OperationState,
  PlanView,
} from '../contract/operation.js';
export type {
  ScheduledRefreshResult,
  ScheduleSettings,
  ScheduleSettingsInput,
} from '../contract/schedule.js';
export type { LostRun } from '../contract/lost-run.js';
export type { LogChunk, LogLine } from '../contract/log.js';
export type { ErrorCode, Failure } from '../contract/error-code.js';
