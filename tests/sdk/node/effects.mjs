// What functions do beside their output, by run.
export const effects = [];

export function effect(run, what) {
  effects.push({ run, what, at: Date.now() / 1000 });
}
