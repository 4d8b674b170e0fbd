import { chooseRoute } from './choose-route.js';
import type { Route, SetupContext } from './context.js';
import { ensureEngine } from './ensure-engine.js';
import type { SetupEngine } from './engine-api.js';
import { publicImageNames, type ImageNames } from './image-names.js';
import { packageRoot } from './package-root.js';
import { partMakers, type Part, type PartResults } from './parts.js';
import { createSteps, type StepEvent } from './steps.js';

/** What to prepare, and how. */
export interface SetupOptions<P extends Part> {
  need: readonly P[];
  /** `auto` tries whether the registry of the Debian image answers (at most three seconds). */
  route: Route | 'auto';
  /** Where everything that is fetched or built is kept, by name, version and recipe. */
  cacheDirectory: string;
  /** `DOCKER_HOST`, `DOCKER_CONTEXT` and what else names an engine; default: this process's environment. */
  environment?: Readonly<Record<string, string | undefined>>;
  /** References of base images that replace ours, by name (`opentofu`, `pulumi-nodejs`, …, `entrypoint`): pulled, never built. */
  baseImages?: Readonly<Record<string, string>>;
  /** Names of mirrors that replace public names. */
  images?: Partial<ImageNames>;
  /** Another copy of this package to take recipes and sources from; default: this one. */
  root?: string;
  signal: AbortSignal;
  report: (event: StepEvent) => void;
}

/** The parts that were asked for, ready to be used. */
export type LocalSystem<P extends Part = Part> = Pick<PartResults, P>;

/**
 * Finds, fetches or builds what `need` names, each thing once and at most two heavy steps at a time. What is there already is used; what
 * an earlier, interrupted set-up finished is not done again; a second set-up at the same time waits for the first one's results.
 * Rejects with a `CodedError` (`SetupFailed`, `DockerUnavailable`) or, when `signal` fires, with its reason after all children have ended.
 */
export async function prepareLocalSystem<P extends Part>(
  options: SetupOptions<P>,
): Promise<LocalSystem<P>> {
  // One failing part stops the others instead of leaving them at work behind the error.
  const failure = new AbortController();
  const signal = AbortSignal.any([options.signal, failure.signal]);
  const steps = createSteps(options.report, signal);
  const images = { ...publicImageNames, ...options.images };
  const context: SetupContext = {
    root: options.root ?? packageRoot(),
    cacheDirectory: options.cacheDirectory,
    images,
    baseImages: options.baseImages ?? {},
    steps,
    route: () => {
      if (options.route !== 'auto') return Promise.resolve(options.route);
      return steps.step<Route>('look for public images', async (step) => {
        const route = await chooseRoute(images.debian, step.signal);
        step.progress(route === 'public' ? 'in reach' : 'not in reach: building from source');
        return route;
      });
    },
    engine: () =>
      steps.step<SetupEngine>('look for a Docker engine', (step) =>
        ensureEngine(options.cacheDirectory, options.environment ?? process.env, step),
      ),
  };
  const results = await Promise.allSettled(
    options.need.map(async (part) => {
      try {
        return [part, await partMakers[part](context)] as const;
      } catch (error) {
        failure.abort(error);
        throw error;
      }
    }),
  );
  options.signal.throwIfAborted();
  failure.signal.throwIfAborted();
  return Object.fromEntries(
    results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
  ) as LocalSystem<P>;
}
