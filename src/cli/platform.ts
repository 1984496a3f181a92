// The value of --platform where the API wants it as data: os/architecture[/variant].
import { isFail } from '../base/index.ts';
import type { Platform } from '../spec/oci/image.ts';
import { parsePlatform } from '../spec/oci/platform.ts';
import { FlagError } from './flags.ts';

export function platform(text: string): Platform {
  try {
    return parsePlatform(text);
  } catch (error) {
    throw isFail(error) ? new FlagError(error.message) : error;
  }
}
