using Warehouse.Engine.Audit;
using Warehouse.Engine.Storage;
using Xunit;

namespace Warehouse.Tests.Audit;

/// <summary>F74: a log is closed although its disk does not answer. What was acknowledged stays, what was not is told so, and nothing is signed when the keys are gone.</summary>
public sealed class ClosingTests
{
    /// <summary>A close that has not come back by then never does.</summary>
    private static readonly TimeSpan Never = TimeSpan.FromMinutes(2);

    /// <summary>The log's own thread waits for the disk, or somebody who blocks; each with others behind.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_log_closes_while_its_disk_hangs_and_the_next_process_goes_on(bool isOfItsThread)
    {
        using var sim = SimLog.With(3);
        using var disk = new HangingDisk();
        var log = new AuditLog(disk.Over(sim.Disk), sim.Keys, sim.Machine.Clock) { ClosingWait = TimeSpan.FromMilliseconds(50) };
        Assert.Equal(3, isOfItsThread ? await log.AppendAsync([SimLog.Entry(3)]) : log.Append([SimLog.Entry(3)]));
        disk.Hang();
        using var atLast = disk.AnswersAtLast();
        var waits = isOfItsThread ? log.AppendAsync([SimLog.Entry(4)]) : Task.Factory.StartNew(() => log.Append([SimLog.Entry(4)]), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await disk.IsWaitedForAsync();
        var behind = log.AppendAsync([SimLog.Entry(5)]);

        await Task.Factory.StartNew(log.Dispose, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(Never);
        Assert.True(disk.IsHanging && !waits.IsCompleted && !behind.IsCompleted, "nobody was told that he is in the log");
        sim.Keys.Dispose(); // as whoever closes does: what is signed from here on nobody takes
        disk.Answer();
        foreach (var told in (Task<long>[])[waits, behind]) await Assert.ThrowsAsync<StoreBusyException>(() => told.WaitAsync(Never));

        using var next = new SimLog(sim.Machine);
        Assert.Equal(["call 0", "call 1", "call 2", "call 3"], next.Calls());
        using (var other = next.Open()) other.Append([SimLog.Entry(6)]);
        // The whole entry that has come to the disk is taken in: a log may say more than was shown.
        Assert.Equal(["call 0", "call 1", "call 2", "call 3", "call 4", "call 6"], next.Calls());
        Assert.Empty(next.Verify());
    }

    /// <summary>In a server, rounds and pages wait for the disk no longer than an answer does.</summary>
    [Fact]
    public async Task Who_blocks_where_the_log_has_its_own_thread_is_told_that_the_disk_hangs()
    {
        using var sim = SimLog.With(3);
        using var disk = new HangingDisk();
        var log = new AuditLog(disk.Over(sim.Disk), sim.Keys, sim.Machine.Clock);
        Assert.Equal(3, await log.AppendAsync([SimLog.Entry(3)]));
        Assert.Equal(4, log.Append([SimLog.Entry(4)]));
        disk.Hang();
        using (disk.AnswersAtLast())
        {
            var blocked = Task.Factory.StartNew(() => log.Append([SimLog.Entry(5)]), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            await disk.IsWaitedForAsync();
            await Assert.ThrowsAsync<StoreBusyException>(() => blocked.WaitAsync(Never));
            Assert.True(disk.IsHanging);
        }
        disk.Answer();
        log.Dispose();
        Assert.Equal(["call 0", "call 1", "call 2", "call 3", "call 4", "call 5"], sim.Calls());
        Assert.Empty(sim.Verify());
    }
}
