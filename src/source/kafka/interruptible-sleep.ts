const sleeping = new Set<() => void>();

/** Settles after a time, or when everybody is woken. */
export function sleepUntilWoken(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      sleeping.delete(end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    sleeping.add(end);
  });
}

export function wakeAll(): void {
  for (const end of sleeping) end();
}
