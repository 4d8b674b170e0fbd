#!/usr/bin/env node
/** Entry of the `cldctl-iac` command. */
import * as nodeModule from 'node:module';

// From Node 22.1 on, and only for what is imported after it: a third of a short command is the compiling of what it loads.
(nodeModule as { enableCompileCache?: () => unknown }).enableCompileCache?.();
await import('./command-process.js');
