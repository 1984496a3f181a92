// The answers that an engine gave in a run of tests: the tests' HTTP client writes them down (ESTIVA_E2E_ANSWERS names the file), and after the
// run all are laid beside Docker's description of its API, once: reading that description takes longer than most test files.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { ApiAnswer } from './docker-api.ts';

const file = process.env.ESTIVA_E2E_ANSWERS;
/** Of one path with one status: more say nothing new. */
const answersMax = 40;
const answerBytesMax = 1 << 20;
const seen = new Map<string, number>();

export function noteAnswer(answer: ApiAnswer): void {
  // Paths of our own are described by nobody else.
  if (file === undefined || answer.path.includes('/estiva/') || answer.status < 200 || answer.status > 299 || answer.text.length > answerBytesMax) return;
  const kind = kindOf(answer);
  const count = seen.get(kind) ?? 0;
  seen.set(kind, count + 1);
  if (count < answersMax) appendFileSync(file, `${JSON.stringify(answer)}\n`);
}

function kindOf({ method, path, status }: ApiAnswer): string {
  const pattern = path.replace(/\?.*$/s, '').replace(/^\/v\d+\.\d+(?=\/)/, '').replace(/^\/(containers|images|exec|distribution)\/(?!json$|create$|prune$|load$|get$|search$).+?(?=$|\/(?:\w+)$)/, '/$1/X');
  return `${method} ${pattern} ${status}`;
}

/** Where dockerd itself (28.5) differs from the description, and we do as dockerd. */
const asDockerd: readonly RegExp[] = [
  /^GET \/containers\/X\/json 200: \/HostConfig\/MemorySwappiness must be integer \(is null\)$/,
  // Deprecated since 1.22, and still written.
  /^GET \/events 200: \/ must NOT have unevaluated properties (status|id|from) /,
  // Of an exec that has not ended.
  /^GET \/exec\/X\/json 200: \/ExitCode must be integer \(is null\)$/,
];

/** What we say besides, under names that are nobody else's. */
const ours = /must NOT have unevaluated properties Estiva[A-Z]/;

export interface Verdict {
  readonly kinds: number;
  readonly answers: number;
  /** `GET /info 200: …`, each once. */
  readonly violations: readonly string[];
}

export async function judgeAnswers(path: string): Promise<Verdict> {
  const { apiViolations } = await import('./docker-api.ts'); // Not at the top: the tests' own HTTP client has no use for it.
  const answers = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as ApiAnswer) : [];
  const violations = answers.flatMap((answer) => apiViolations(answer).map((line) => `${kindOf(answer)}: ${line}`)).filter((line) => !ours.test(line) && !asDockerd.some((one) => one.test(line)));
  return { kinds: new Set(answers.map(kindOf)).size, answers: answers.length, violations: [...new Set(violations)] };
}
