/** Every command, in the order that the help shows them. */
import type { RegisterCommand } from '../program.js';
import { registerApply } from './apply.js';
import { registerApprove } from './approve.js';
import { registerBuild } from './build.js';
import { registerCancel } from './cancel.js';
import { registerCompletion } from './completion.js';
import { registerDemo } from './demo.js';
import { registerDestroy } from './destroy.js';
import { registerDetect } from './detect.js';
import { registerDoctor } from './doctor.js';
import { registerExec } from './exec.js';
import { registerImages } from './images.js';
import { registerImport } from './import.js';
import { registerKeys } from './keys.js';
import { registerList } from './list.js';
import { registerLogs } from './logs.js';
import { registerOperations } from './operations.js';
import { registerOutputs } from './outputs.js';
import { registerPlan } from './plan.js';
import { registerPreview } from './preview.js';
import { registerRefresh } from './refresh.js';
import { registerReject } from './reject.js';
import { registerResume } from './resume.js';
import { registerSchedule } from './schedule.js';
import { registerState } from './state.js';
import { registerStatus } from './status.js';
import { registerUnlock } from './unlock.js';
import { registerWorker } from './worker.js';

export const COMMANDS: readonly RegisterCommand[] = [
  registerDemo,
  registerDoctor,
  registerWorker,
  registerImages,
  registerDetect,
  registerBuild,
  registerExec,
  registerPreview,
  registerApply,
  registerDestroy,
  registerRefresh,
  registerImport,
  registerResume,
  registerApprove,
  registerReject,
  registerPlan,
  registerStatus,
  registerList,
  registerOperations,
  registerLogs,
  registerOutputs,
  registerCancel,
  registerUnlock,
  registerSchedule,
  registerState,
  registerKeys,
  registerCompletion,
];
