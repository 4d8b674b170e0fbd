/** Updates and queries of `stackOperation`; each takes one JSON object. */
import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { PlanReady } from '../src/client/types.js';
import type { DecisionResult, OperationState, PlanView } from '../src/contract/operation.js';
import { QUERY, UPDATE } from '../src/temporal/names.js';

export const decideUpdate = defineUpdate<DecisionResult, [unknown]>(UPDATE.decide);
export const killUpdate = defineUpdate<{ message: string }, [unknown]>(UPDATE.kill);
export const supersedeUpdate = defineUpdate<{ message: string }, [unknown]>(UPDATE.supersede);
export const waitPlanUpdate = defineUpdate<PlanReady, [unknown]>(UPDATE.waitPlan);

export const stateQuery = defineQuery<OperationState>(QUERY.state);
export const planQuery = defineQuery<PlanView | null>(QUERY.plan);
