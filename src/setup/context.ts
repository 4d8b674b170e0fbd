import type { SetupEngine } from './engine-api.js';
import type { ImageNames } from './image-names.js';
import type { Steps } from './steps.js';

/** Where parts come from: public images and downloads, or built from pinned sources. */
export type Route = 'public' | 'source';

/** What every step of a set-up needs. */
export interface SetupContext {
  /** The package's own directory (images/, toolchain/, entrypoint/). */
  root: string;
  cacheDirectory: string;
  images: ImageNames;
  /** References that replace base images of ours, by name. */
  baseImages: Readonly<Record<string, string>>;
  steps: Steps;
  /** Chosen when first asked for. */
  route(): Promise<Route>;
  /** A Docker engine that answers; installed and started when the machine allows it. */
  engine(): Promise<SetupEngine>;
}
