import { ok, type Result } from "../../api/result.ts";
import { type Changing, unchanging } from "../../runtime/config/changing.ts";
import { ReloadedFile, type ReloadedFileDeps } from "../../runtime/config/reloaded-file.ts";
import type { VerbInput } from "../verb.ts";

/**
 * Settings as the flags say, or as the config file says from time to time, so that no restart is needed. The file is looked
 * at every two seconds, and at once after SIGHUP. A file that `parse` refuses changes nothing.
 */
export async function followConfig<T, U>(
  input: Pick<VerbInput<T>, "settings" | "config" | "signal" | "onHangup">,
  parse: (settings: T) => Result<U, string>,
  deps: ReloadedFileDeps,
): Promise<Result<Changing<U>, string>> {
  const { settings, config, signal, onHangup } = input;
  if (config === undefined) {
    const parsed = parse(settings);
    return parsed.ok ? ok(unchanging(parsed.value)) : parsed;
  }
  const file = await ReloadedFile.open(
    {
      path: config.path,
      what: "config file",
      parse: (text) => {
        const read = config.read(text);
        return read.ok ? parse(read.value) : read;
      },
    },
    deps,
  );
  if (!file.ok) return file;
  void file.value.follow(signal);
  const ignoreHangup = onHangup(() => void file.value.reload());
  signal.addEventListener("abort", ignoreHangup, { once: true });
  return file;
}
