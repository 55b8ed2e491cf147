export type { MetricEvents } from './attachment.ts';
export type { Stats } from './delivery.ts';
export { type EmitOptions, type EmitterOptions, UsageEmitter } from './emitter.ts';
