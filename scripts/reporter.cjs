/** Says by name what was skipped and why it matters, and counts everything in one plain line. */
module.exports = class Reporter {
  onRunComplete(_contexts, results) {
    const skipped = results.testResults.flatMap((file) =>
      file.testResults.filter((test) => test.status === 'pending').map((test) => test.ancestorTitles[0] ?? test.title),
    );
    const counted = new Map();
    for (const name of skipped) counted.set(name, (counted.get(name) ?? 0) + 1);
    for (const [name, n] of counted) console.log(`skipped: ${name} (${n} test${n === 1 ? '' : 's'})`);
    // A file that could not be run at all has no test results, and still is a failure.
    const failed =
      results.numFailedTests +
      results.testResults.filter((file) => file.testExecError || (file.failureMessage && file.testResults.length === 0)).length;
    console.log(`tests: ${results.numPassedTests} passed, ${failed} failed, ${results.numPendingTests} skipped`);
  }
};
