/**
 * What runs when a config names no models: two simulated ones, so that a first try needs no key and no network. As
 * authored in `shunt.yaml`, and held equal to it by a test. The prices are those of a usual small and large model.
 */
export const demoBackend = { kind: 'simulated' };

export const demoModels = {
  small: {
    backend: 'demo',
    model: 'demo-small',
    usd_per_million: { input: 0.1, cached_input: 0.02, output: 0.4 },
    context: 128_000,
    abilities: ['tools', 'json_schema'],
  },
  large: {
    backend: 'demo',
    model: 'demo-large',
    usd_per_million: { input: 2.5, cached_input: 0.25, output: 15 },
    context: 400_000,
    abilities: ['tools', 'json_schema', 'vision'],
  },
};
