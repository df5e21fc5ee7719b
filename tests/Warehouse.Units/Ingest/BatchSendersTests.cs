using Warehouse.Engine.Ingest;
using Xunit;

namespace Warehouse.Units.Ingest;

public sealed class BatchSendersTests
{
    [Fact]
    public void A_part_tells_the_batches_of_each_sender_and_of_nobody_else()
    {
        byte[]? part = null;
        string[] senders = [.. Enumerable.Range(0, 7).Select(i => BatchSenders.DigestOf($"cert:{i}"))];
        for (var version = 1; version <= 100; version++) part = BatchSenders.With(part, senders[version % 7], version * 40L);
        for (var i = 0; i < 7; i++) Assert.Equal(Enumerable.Range(1, 100).Where(v => v % 7 == i).Select(v => v * 40L), BatchSenders.VersionsOf(part, senders[i]).Order());
        Assert.Empty(BatchSenders.VersionsOf(part, BatchSenders.DigestOf("cert:")));
        Assert.Empty(BatchSenders.VersionsOf(null, senders[0]));
        for (var cut = 1; cut < 34; cut++) Assert.ThrowsAny<InvalidDataException>(() => BatchSenders.VersionsOf(part![..^cut], senders[0]));
        Assert.Throws<InvalidDataException>(() => BatchSenders.VersionsOf([2], senders[0]));
    }
}
