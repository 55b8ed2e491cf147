/** Polls one at a time: brokers or a database may answer, or fail, later than the next poll is due. */
export function every(ms: number, poll: () => Promise<void>): NodeJS.Timeout {
  let isUnderWay = false;
  const pollUnlessUnderWay = async () => {
    if (isUnderWay) return;
    isUnderWay = true;
    try {
      await poll();
    } finally {
      isUnderWay = false;
    }
  };
  return setInterval(() => void pollUnlessUnderWay(), ms);
}
