using Warehouse.Server.Identity;
using Xunit;

namespace Warehouse.Server.Tests.Identity;

/// <summary>Names that count once. It measures what the process holds, so nothing runs beside it.</summary>
[Collection("Meters")]
public sealed class ReplayCacheTests
{
    private readonly FakeClock _clock = new();

    [Fact]
    public void A_name_is_taken_once_and_none_when_it_is_full_until_some_have_ended()
    {
        var cache = new ReplayCache(3, _clock);
        Assert.True(cache.TryUse("a", _clock.GetUtcNow().AddSeconds(10)));
        Assert.False(cache.TryUse("a", _clock.GetUtcNow().AddSeconds(10)));
        Assert.True(cache.TryUse("b", _clock.GetUtcNow().AddSeconds(100)));
        Assert.True(cache.TryUse("\u00e4", _clock.GetUtcNow().AddSeconds(100)));
        Assert.False(cache.TryUse("\u00f6", _clock.GetUtcNow().AddSeconds(100)));
        _clock.Advance(11);
        Assert.True(cache.TryUse("\u00f6", _clock.GetUtcNow().AddSeconds(100)));
        Assert.False(cache.TryUse("b", _clock.GetUtcNow().AddSeconds(100)));
    }

    [Fact]
    public void What_is_kept_of_a_name_does_not_grow_with_it()
    {
        const int Names = 20_000;
        var cache = new ReplayCache(Names, _clock);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < Names; i++) Assert.True(cache.TryUse(new string('x', 300) + i, _clock.GetUtcNow().AddSeconds(10)));
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / Names;
        Assert.True(each < 300, $"{each} bytes a name");
        GC.KeepAlive(cache);
    }
}
