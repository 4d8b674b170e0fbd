import { buildCases } from './build-cases.js';

buildCases('buildkit');
buildCases('classic');
