using Warehouse.Server.Identity;
using Xunit;

namespace Warehouse.Server.Tests.Identity;

/// <summary>Names that count once. It measures what the process holds, so nothing runs beside it.</summary>
[Collection("Meters")]
public sealed class ReplayCacheTests
{
    private readonly FakeClock _clock = new();

    [Fact]
    public void A_name_is_taken_once_and_who_fills_his_share_is_refused_alone_until_some_have_ended()
    {
        var cache = new ReplayCache(24, _clock); // a share of three
        Assert.True(cache.TryUse("greedy", "a", _clock.GetUtcNow().AddSeconds(10)));
        Assert.False(cache.TryUse("greedy", "a", _clock.GetUtcNow().AddSeconds(10)));
        Assert.False(cache.TryUse("other", "a", _clock.GetUtcNow().AddSeconds(10)));
        Assert.True(cache.TryUse("greedy", "b", _clock.GetUtcNow().AddSeconds(100)));
        Assert.True(cache.TryUse("greedy", "\u00e4", _clock.GetUtcNow().AddSeconds(100)));
        Assert.False(cache.TryUse("greedy", "\u00f6", _clock.GetUtcNow().AddSeconds(100)));
        Assert.True(cache.TryUse("other", "\u00f6", _clock.GetUtcNow().AddSeconds(100)));
        _clock.Advance(11);
        Assert.True(cache.TryUse("greedy", "\u00fc", _clock.GetUtcNow().AddSeconds(100)));
        Assert.False(cache.TryUse("greedy", "b", _clock.GetUtcNow().AddSeconds(100)));
    }

    [Fact]
    public void When_many_together_have_filled_it_those_who_have_little_go_on()
    {
        var cache = new ReplayCache(24, _clock);
        for (var i = 0; i < 24; i++) Assert.True(cache.TryUse("greedy" + (i / 3), $"{i}", _clock.GetUtcNow().AddSeconds(100)));
        Assert.False(cache.TryUse("greedy0", "more", _clock.GetUtcNow().AddSeconds(100)));
        for (var i = 0; i < 24; i++) Assert.True(cache.TryUse("modest" + i, $"m{i}", _clock.GetUtcNow().AddSeconds(100)));
        Assert.False(cache.TryUse("modest0", "again", _clock.GetUtcNow().AddSeconds(100)));
        Assert.False(cache.TryUse("last", "l", _clock.GetUtcNow().AddSeconds(100))); // there is an end to it
        _clock.Advance(101);
        Assert.True(cache.TryUse("greedy0", "more", _clock.GetUtcNow().AddSeconds(100)));
    }

    [Fact]
    public void What_is_kept_of_a_name_does_not_grow_with_it()
    {
        const int Names = 20_000;
        var cache = new ReplayCache(8 * Names, _clock);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < Names; i++) Assert.True(cache.TryUse("one", new string('x', 300) + i, _clock.GetUtcNow().AddSeconds(10)));
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / Names;
        Assert.True(each < 300, $"{each} bytes a name");
        GC.KeepAlive(cache);
    }
}
