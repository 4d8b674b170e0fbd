import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** Which folders a folder may not import from: the direction of dependencies, also drawn in CONTRIBUTING.md. */
const directions = [
  {
    target: './src/contract',
    from: ['./src', './workflows', './activities', './entrypoint', './cli'],
    except: ['./contract'],
  },
  { target: './entrypoint', from: './src', except: ['./contract'] },
  { target: './entrypoint', from: ['./workflows', './activities', './cli', './bench', './test'] },
  { target: './src', from: ['./activities', './entrypoint', './cli', './bench', './test'] },
  { target: './activities', from: ['./workflows', './entrypoint', './cli', './bench', './test'] },
  { target: './workflows', from: ['./entrypoint', './cli', './bench', './test'] },
  { target: './cli', from: ['./entrypoint', './bench', './test'] },
];

/** What workflow code may not load into Temporal's sandbox. */
const outsideSandbox = {
  group: [
    'node:*',
    'dockerode',
    '@temporalio/client',
    '@temporalio/worker',
    '@temporalio/activity',
  ],
  message: 'workflow code runs in a deterministic sandbox',
};

export default tseslint.config(
  {
    ignores: [
      '**/.*/**',
      'dist/**',
      'node_modules/**',
      'coverage/**',
      'examples/**',
      'test/fixtures/**',
    ],
  },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommended],
    plugins: { 'import-x': importX },
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.config.ts'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    settings: {
      'import-x/resolver-next': [
        createNodeResolver({
          extensionAlias: { '.js': ['.ts', '.js'] },
          extensions: ['.ts', '.js', '.json'],
        }),
      ],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      'import-x/no-default-export': 'error',
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': ['error', { zones: directions }],
    },
  },
  {
    files: ['workflows/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            outsideSandbox,
            {
              group: ['**/activities/*'],
              allowTypeImports: true,
              message: 'activities run elsewhere: import their types only',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['src/**/*.ts', 'activities/**/*.ts', 'cli/**/*.ts', 'entrypoint/**/*.ts'],
    ignores: ['src/docker/**'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'dockerode',
              allowTypeImports: true,
              message: 'only src/docker talks to the engine',
            },
          ],
        },
      ],
    },
  },
  // The one place that puts everything together.
  { files: ['src/worker.ts'], rules: { 'import-x/no-restricted-paths': 'off' } },
  { files: ['*.config.ts'], rules: { 'import-x/no-default-export': 'off' } },
);
