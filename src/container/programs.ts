// Programs of starts and of execs, remembered by their shape.
//
// Containers that were created alike, and execs of one command, have the same program but for their ids: in paths, and in the host name. To plan and assemble one takes a millisecond and
// more of a start; to see that the shape is known, and to write another id into a copy, a tenth of that.
//
// What holds: plan and assembler copy a string that has an id in it and never look at what it says, and ids are equally long. So what is the same but
// for the id becomes bytes that are the same but for the id. Nobody else's string can be taken for the place of an id: control characters stand there,
// which JSON has none of.
import type { ContainerId } from '../base/index.ts';
import type { Image } from '../kernel/index.ts';

/** Some fifty kilobytes each. An engine starts few different kinds of container at a time. */
const shapesMax = 16;
const shortLength = 12;

interface Stamp {
  readonly image: Image;
  /** Where the id stands in the bytes, whole, and where its beginning stands alone. */
  readonly whole: readonly number[];
  readonly short: readonly number[];
}

export class Programs {
  readonly #stamps = new Map<string, Stamp>();

  /** The program of `id`. `input` is all that `plan` depends on, as plain data: what JSON does not show must not matter. */
  get(id: ContainerId, input: unknown, plan: () => Image): Image {
    const shape = JSON.stringify(input).replaceAll(id, '\u0001').replaceAll(id.slice(0, shortLength), '\u0002');
    const known = this.#stamps.get(shape);
    if (known !== undefined) return stamped(known, id, plan);
    const image = plan();
    for (const oldest of this.#stamps.keys()) if (this.#stamps.size >= shapesMax) this.#stamps.delete(oldest);
    this.#stamps.set(shape, stampOf(image, id));
    return image;
  }
}

function stampOf(image: Image, id: ContainerId): Stamp {
  const bytes = Buffer.from(image.bytes);
  const whole = placesOf(bytes, id);
  const short = placesOf(bytes, id.slice(0, shortLength)).filter((at) => !whole.includes(at));
  return { image: { ...image, bytes, ops: [] }, whole, short };
}

function placesOf(bytes: Buffer, text: string): readonly number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(text, 0, 'latin1'); at >= 0; at = bytes.indexOf(text, at + 1, 'latin1')) places.push(at);
  return places;
}

/** The ops in words are planned when somebody asks for them: to explain a failure. */
function stamped({ image, whole, short }: Stamp, id: ContainerId, plan: () => Image): Image {
  const bytes = Buffer.from(image.bytes);
  for (const at of whole) bytes.write(id, at, 'latin1');
  for (const at of short) bytes.write(id.slice(0, shortLength), at, 'latin1');
  return { ...image, bytes, get ops() { return plan().ops; } };
}
