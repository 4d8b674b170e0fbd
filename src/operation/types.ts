/** What the steps of an operation take and give; the boundary between workflows and activities. */
import type { StackPage, StackView } from '../contract/stack.js';
import type { Engine } from '../contract/module-schema.js';
import type {
  ModuleSource,
  OperationInput,
  PlanView,
  RecordedDecision,
} from '../contract/operation.js';
import type { Notification, NotificationEvent } from '../contract/notification.js';
import type { Failure } from '../contract/error-code.js';
import type { LostRunKey } from '../contract/lost-run.js';
import type { ChangeSummary, Receipt } from '../contract/change.js';
import type { Json } from '../contract/json.js';

/** Actions that change the world or the state, each behind a plan. */
export type Mutation = 'apply' | 'destroy' | 'refresh' | 'import';

/** One workflow run. */
export interface RunReference {
  readonly workflowId: string;
  readonly runId: string;
}

/** An image that containers can be created from, named so that a moved tag changes nothing. */
export interface ResolvedImage {
  /** `host/repository@sha256:…`, or the image id where it was not pushed. */
  readonly reference: string;
  readonly imageId: string;
  /** What people call it: the tag or path it came from. */
  readonly name: string;
  readonly engine: Engine;
}

export interface PrepareRequest {
  readonly input: OperationInput;
  readonly run: RunReference;
}

/** What is known before anything runs. */
export interface Preparation {
  /** The first run with the same `requestId`; nothing else is to be done. */
  readonly duplicate?: RunReference;
  /** Id of the Docker engine that this operation's containers run on. */
  readonly dockerId: string;
  /** Present when the image is already on the engine. */
  readonly image?: ResolvedImage;
  /** What has to be built or pulled when `image` is absent. */
  readonly source?: ModuleSource;
  /** The module as people name it. */
  readonly module: string;
  /** The whole input of an operation that goes on after a lost run. */
  readonly input?: OperationInput;
  /** The saved plan that the input names. */
  readonly plan?: PlannedChanges;
  /** Signed link to the log of this run; absent when the workers have no endpoint. */
  readonly logs?: string;
  /** Events of this stack that a webhook wants to hear of; absent in histories from before there were any. */
  readonly notifies?: readonly NotificationEvent[];
  /** A mutating run that an earlier operation left behind: to be settled first. */
  readonly leftOver?: RunReference & { readonly operation: string };
}

export interface BuildRequest {
  readonly input: OperationInput;
  readonly source: ModuleSource;
}

export interface BuiltModule {
  readonly image: ResolvedImage;
  readonly cached: boolean;
  /** True when the worker's configuration names a registry to push to. */
  readonly push: boolean;
  /** Set when images of several platforms were built, to be pushed as one. */
  readonly platforms?: readonly string[];
  readonly notices: readonly string[];
}

export interface PushRequest {
  readonly stackId: string;
  readonly image: ResolvedImage;
  readonly platforms?: readonly string[];
}

export interface PreviewRequest {
  readonly input: OperationInput;
  readonly operation: Mutation;
  readonly image: ResolvedImage;
  /** Unique within the installation; names the container. */
  readonly containerKey: string;
  /** False for looking only: plans without the tool's lock. */
  readonly lock: boolean;
  /** Plan whose inputs are used when the operation's input has none. */
  readonly basedOn?: string;
}

/** A saved plan bundle, as much of it as decides what happens next. */
export interface PlannedChanges {
  readonly view: PlanView;
  /**
   * Digest of everything an approval depends on besides state and changes: image, engine, inputs,
   * environment, options. Equal basis and equal changes digest let an approval carry over.
   */
  readonly basis: string;
}

export interface ExecuteRequest {
  readonly stackId: string;
  readonly operation: Mutation;
  readonly planDigest: string;
  readonly image: ResolvedImage;
  readonly input: Pick<
    OperationInput,
    'limits' | 'credentials' | 'options' | 'requestedBy' | 'reason'
  >;
  readonly decisions: readonly RecordedDecision[];
  /** The lost run that whoever approved was told of; a stack with another one is not touched. */
  readonly knownLoss?: LostRunKey;
}

/** How a mutating container ended. Failures of the module are thrown; this is success or an interruption. */
export interface Executed {
  /** True when a cancel or kill ended the tool before it was through. */
  readonly interrupted: boolean;
  readonly receipt?: Receipt;
  readonly outputs: Readonly<
    Record<string, { readonly value?: Json; readonly sensitive?: boolean }>
  >;
  readonly notices: readonly string[];
  readonly failure?: Failure;
}

export interface KillRequest {
  readonly stackId: string;
  /** Key of a preview's container; absent: the stack's mutating container. */
  readonly containerKey?: string;
  readonly reason: string;
}

export interface SettleRequest {
  readonly stackId: string;
}

/** What became of a run that an earlier operation left behind. */
export interface Settled {
  readonly notice: string;
}

export interface RecordRequest {
  readonly stackId: string;
  readonly operation: string;
  readonly outcome: string;
  readonly planDigest?: string;
  readonly requestedBy?: string;
  readonly decisions: readonly RecordedDecision[];
}

export interface NoteDriftRequest {
  readonly stackId: string;
  /** The plan that shows it. */
  readonly planDigest: string;
  /** The rule started its operation for this drift. */
  readonly acted?: boolean;
}

/** `known` drift was reported by an earlier run. */
export interface DriftNoted {
  readonly drift: 'none' | 'new' | 'known';
  readonly summary: ChangeSummary;
  readonly fingerprint?: string;
  /** True when an operation was started for this drift. */
  readonly acted?: boolean;
}

export interface RecipientsRequest {
  readonly stackId: string;
  readonly event: NotificationEvent;
}

export interface SendNotificationRequest {
  /** Name of the webhook. */
  readonly webhook: string;
  readonly notification: Notification;
}

export interface ListStacksRequest {
  readonly prefix?: string;
  /** First stack id of the part that is wanted. */
  readonly from?: string;
  /** Only stacks with a run that was lost. */
  readonly lost?: true;
}

/** Activities by name: the names and shapes are part of every recorded history. */
export interface Activities {
  prepare(request: PrepareRequest): Promise<Preparation | { readonly later: true }>;
  prepareLater(request: PrepareRequest): Promise<Preparation>;
  build(request: BuildRequest): Promise<BuiltModule>;
  push(request: PushRequest): Promise<ResolvedImage>;
  preview(request: PreviewRequest): Promise<PlannedChanges>;
  execute(request: ExecuteRequest): Promise<Executed>;
  settle(request: SettleRequest): Promise<Settled>;
  kill(request: KillRequest): Promise<{ message: string }>;
  record(request: RecordRequest): Promise<void>;
  readStack(request: { readonly stackId: string }): Promise<StackView>;
  listStacks(request: ListStacksRequest): Promise<StackPage>;
  noteDrift(request: NoteDriftRequest): Promise<DriftNoted>;
  recipients(request: RecipientsRequest): Promise<string[]>;
  sendNotification(request: SendNotificationRequest): Promise<void>;
}
