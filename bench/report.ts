/** Loaded before a measured process's own code (`node --import`): tells its parent on request what it has used. Changes nothing else. */

process.on('message', (asked) => {
  if (asked !== 'usage') return;
  const { user, system } = process.cpuUsage();
  process.send?.({ usage: { cpuMs: (user + system) / 1000, rssMb: process.memoryUsage.rss() / 2 ** 20 } });
});
// The channel alone keeps no process running.
process.channel?.unref();

export {};
