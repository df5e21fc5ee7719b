namespace Warehouse.Units;

/// <summary>What a test waits for, looked at again whenever somebody tells that something has changed, and not by the clock. Any thread.</summary>
internal sealed class Changes
{
    /// <summary>What has not come by then never comes: the test fails and does not hang.</summary>
    private static readonly TimeSpan Most = TimeSpan.FromMinutes(2);

    private volatile TaskCompletionSource _changed = New();

    /// <summary>Something has changed.</summary>
    public void Tell() => Interlocked.Exchange(ref _changed, New()).TrySetResult();

    /// <summary>Done once something is so, now or after a change.</summary>
    public Task UntilAsync(Func<bool> isSo) => UntilAsync(() => _changed.Task, isSo);

    /// <summary>The same where something else tells of changes.</summary>
    /// <param name="next">Done with the next change.</param>
    /// <param name="isSo">What is waited for.</param>
    public static async Task UntilAsync(Func<Task> next, Func<bool> isSo)
    {
        while (true)
        {
            var changed = next(); // before it is looked, so that no change is missed between
            if (isSo()) return;
            await changed.WaitAsync(Most);
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
