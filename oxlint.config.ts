// The house's walls. `mayImport` is the whole layer diagram of docs/architecture.md: a folder of src/ may import only the folders
// named here, and of those only their index.ts. base and spec are open to all.
import { defineConfig } from 'oxlint';

const mayImport: Record<string, readonly string[]> = {
  base: [],
  spec: [],
  kernel: [],
  runtime: ['kernel'],
  storage: ['kernel'],
  client: [],
  event: [],
  registry: [],
  network: ['storage', 'kernel'],
  build: ['storage', 'kernel'],
  volume: ['storage', 'kernel'],
  image: ['storage', 'registry', 'kernel'],
  container: ['runtime', 'storage', 'network', 'volume', 'kernel'],
  engine: ['build', 'container', 'image', 'event', 'registry', 'network', 'volume', 'storage', 'runtime', 'kernel'],
  api: ['engine'],
  cli: ['client', 'registry'],
  library: ['engine', 'api', 'client'],
  bundle: ['runtime', 'kernel'],
  bin: ['runtime', 'engine', 'api', 'cli', 'bundle'],
};
const open = ['base', 'spec'];
const folders = Object.keys(mayImport);

export default defineConfig({
  plugins: ['typescript', 'import', 'unicorn', 'oxc', 'promise', 'node'],
  categories: { correctness: 'error', suspicious: 'error' },
  ignorePatterns: ['dist', 'node_modules'],
  rules: {
    'import/no-cycle': 'error',
    'import/no-default-export': 'error',
    'import/no-unassigned-import': 'off',
    'no-shadow': 'off',
    'no-await-in-loop': 'off',
    'no-underscore-dangle': 'off',
    'promise/always-return': 'off',
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/consistent-type-imports': 'error',
    'typescript/no-unsafe-type-assertion': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/no-array-reverse': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'unicorn/require-module-specifiers': 'off',
    'unicorn/prefer-add-event-listener': 'off',
  },
  overrides: [
    ...folders.map((folder) => ({
      files: [`src/${folder}/**/*.ts`],
      rules: {
        'no-restricted-imports': ['error', {
          patterns: [
            {
              group: folders.filter((other) => other !== folder && !open.includes(other) && !mayImport[folder]!.includes(other))
                .map((other) => `**/${other}/**`),
              message: `Layer: src/${folder} may import only ${[...open, ...mayImport[folder]!].join(', ')} (oxlint.config.ts).`,
            },
            {
              group: mayImport[folder]!.flatMap((other) => [`**/${other}/**`, `!**/${other}/index.ts`]),
              message: 'Import another folder only through its index.ts, its public face.',
            },
          ].filter((pattern) => pattern.group.length > 0),
        }],
      },
    })),
    { files: ['oxlint.config.ts'], rules: { 'import/no-default-export': 'off' } },
    // Tests may open any door of their own house; node:test's own promises are awaited by the runner.
    { files: ['**/*.test.ts', 'test/**/*.ts', 'bench/**/*.ts'], rules: { 'no-restricted-imports': 'off', 'typescript/no-floating-promises': 'off' } },
  ],
} as Parameters<typeof defineConfig>[0]);
