/**
 * Runs `work` and returns for how many ms the queue had work: from the return of a submit that found it empty until the host
 * is told that everything submitted is done. That message arrives when the event loop turns, so host work that holds up the
 * loop after the queue has run dry still counts as busy: wall time minus this is a lower bound of the time the queue stood empty.
 */
export async function queueBusyMs(queue: GPUQueue, work: () => Promise<void>): Promise<number> {
  const submit = queue.submit;
  let open = 0;
  let sinceMs = 0;
  let busyMs = 0;
  const done = () => {
    if (--open === 0) busyMs += performance.now() - sinceMs;
  };
  queue.submit = (commandBuffers) => {
    submit.call(queue, commandBuffers);
    if (open++ === 0) sinceMs = performance.now();
    queue.onSubmittedWorkDone().then(done, done);
  };
  try {
    await work();
    await queue.onSubmittedWorkDone();
  } finally {
    queue.submit = submit;
  }
  return busyMs;
}
