using Warehouse.Engine;
using Xunit;

namespace Warehouse.Tests.Ingest;

/// <summary>Work that another thread may do meanwhile is done once, by whoever comes first.</summary>
public sealed class ErrandTests
{
    [Fact]
    public void Each_errand_is_done_once_and_is_done_when_Finish_returns()
    {
        var done = new int[2_000];
        var errands = done.Select((_, i) => Errand.Start(() => Interlocked.Increment(ref done[i]))).ToArray();
        Parallel.For(0, 4, _ =>
        {
            foreach (var errand in errands) errand.TryDo();
        });
        for (var i = 0; i < errands.Length; i++)
        {
            errands[i].Finish();
            Assert.True(errands[i].IsDone);
        }
        Assert.All(done, times => Assert.Equal(1, times));
    }

    [Fact]
    public void What_it_threw_comes_out_of_Finish_whoever_did_it()
    {
        for (var i = 0; i < 200; i++)
        {
            using var begun = new ManualResetEventSlim();
            var errand = Errand.Start(() =>
            {
                begun.Set();
                throw new InvalidOperationException("wrong");
            });
            if (i % 2 == 0) begun.Wait();
            Assert.Equal("wrong", Assert.Throws<InvalidOperationException>(errand.Finish).Message);
            errand.Abandon();
        }
    }

    [Fact]
    public void What_was_abandoned_is_not_begun_and_not_under_way()
    {
        for (var i = 0; i < 200; i++)
        {
            var (running, ended) = (false, false);
            var errand = Errand.Start(() =>
            {
                Volatile.Write(ref running, true);
                Thread.Yield();
                Volatile.Write(ref ended, true);
            });
            errand.Abandon();
            Assert.Equal(Volatile.Read(ref running), Volatile.Read(ref ended));
            Assert.False(errand.TryDo());
        }
    }
}
