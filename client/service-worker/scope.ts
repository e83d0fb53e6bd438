/** The worker itself. The library of types knows `self` only as any kind of worker. */
export const worker = self as unknown as ServiceWorkerGlobalScope;
