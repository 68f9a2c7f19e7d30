/**
 * Runs a command to its end.
 *
 * @returns What it printed; `undefined` if there is no such program.
 * @throws {Error} If it failed.
 */
export async function output_of(command: string, args: string[]): Promise<string | undefined> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, { args }).output();
    const decoder = new TextDecoder();
    if (success) return decoder.decode(stdout);
    throw new Error(`${command} ${args.join(" ")} failed: ${decoder.decode(stderr)}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
