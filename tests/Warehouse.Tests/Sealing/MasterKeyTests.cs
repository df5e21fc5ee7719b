using System.Security.Cryptography;
using Warehouse.Engine.Sealing;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Tests.Sealing;

/// <summary>The unwrapping of data keys against that of the framework, which is slow and the same.</summary>
public sealed class MasterKeyTests
{
    [Fact]
    public void A_wrapped_key_opens_as_the_framework_opens_it_and_not_with_any_bit_changed()
    {
        const int seed = 5649;
        var chance = new Random(seed);
        var disk = new SimDisk(new SimMachine());
        using var master = MasterKey.Create(disk, 7);
        using var twin = Aes.Create();
        twin.Key = disk.Peek(MasterKey.NameOf(7)).AsSpan(16, 32).ToArray();
        for (var round = 0; round < 40; round++)
        {
            var plain = new byte[FileKey.SizeBytes + FileId.SizeBytes];
            chance.NextBytes(plain);
            var (file, other) = (FileId.Read(plain.AsSpan(FileKey.SizeBytes)), FileId.New());
            using var key = new FileKey(plain.AsSpan(0, FileKey.SizeBytes));
            var wrapped = twin.EncryptKeyWrapPadded(plain);
            Assert.Equal(wrapped, master.Wrap(key, file));
            using (var opened = master.Unwrap(wrapped, file)) Assert.Equal(key.Data, opened!.Data);
            Assert.Null(master.Unwrap(wrapped, other));
            var bit = chance.Next(wrapped.Length * 8);
            wrapped[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<CryptographicException>(() => twin.DecryptKeyWrapPadded(wrapped));
            Assert.True(master.Unwrap(wrapped, file) is null, $"seed {seed}, round {round}, bit {bit}");
        }
    }

    [Fact]
    public void What_wraps_something_shorter_or_longer_is_no_wrapped_key()
    {
        var disk = new SimDisk(new SimMachine());
        using var master = MasterKey.Create(disk, 1);
        using var twin = Aes.Create();
        twin.Key = disk.Peek(MasterKey.NameOf(1)).AsSpan(16, 32).ToArray();
        for (var length = 1; length <= 64; length++)
        {
            var plain = Enumerable.Range(1, length).Select(i => (byte)i).ToArray();
            var file = FileId.Read((byte[])[.. plain.Skip(FileKey.SizeBytes), .. new byte[FileId.SizeBytes]]);
            using var opened = master.Unwrap(twin.EncryptKeyWrapPadded(plain), file);
            Assert.Equal(length == FileKey.SizeBytes + FileId.SizeBytes, opened is not null);
        }
    }
}
