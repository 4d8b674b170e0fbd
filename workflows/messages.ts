/** Updates and queries of `stackOperation`; each takes one JSON object. */
import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type {
  Acknowledgement,
  DecisionResult,
  OperationState,
  PlanReady,
  PlanView,
} from '../src/contract/operation.js';
import { QUERY, UPDATE } from '../src/temporal/names.js';

export const decideUpdate = defineUpdate<DecisionResult, [unknown]>(UPDATE.decide);
export const killUpdate = defineUpdate<Acknowledgement, [unknown]>(UPDATE.kill);
export const supersedeUpdate = defineUpdate<Acknowledgement, [unknown]>(UPDATE.supersede);
export const waitPlanUpdate = defineUpdate<PlanReady, [unknown]>(UPDATE.waitPlan);

export const stateQuery = defineQuery<OperationState>(QUERY.state);
export const planQuery = defineQuery<PlanView | null>(QUERY.plan);
