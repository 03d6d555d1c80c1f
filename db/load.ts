/**
 * Makes `drizzle-orm` load as CommonJS: as ES modules it costs four times the start-up time and 200 MB of memory
 * (measured on Node 24). Import this before, and in another module than, anything that imports drizzle-orm:
 * a program's entry imports it, then imports the rest dynamically.
 */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const ours = specifier === 'drizzle-orm' || specifier.startsWith('drizzle-orm/');
    return ours ? next(specifier, { ...context, conditions: ['node', 'require'] }) : next(specifier, context);
  },
});
