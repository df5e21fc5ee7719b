using System.Collections;
using System.Globalization;
using System.Text.Json;
using Warehouse.Primitives;
using Xunit;

namespace Warehouse.Server.Tests.Telemetry;

public sealed class PhiTests
{
    private const string Secret = "Ada Lovelace";

    [Fact]
    public void Whatever_makes_text_of_a_protected_value_gets_three_stars()
    {
        var name = Phi.Of(Secret);
        Assert.Equal("***", name.ToString());
        Assert.Equal("***", $"{name}");
        Assert.Equal("[     ***]", $"[{name,8:X}]");
        Assert.Equal("***", string.Format(CultureInfo.InvariantCulture, "{0:N}", name));
        Assert.Equal("***", Convert.ToString(name, CultureInfo.InvariantCulture));
        Assert.Equal("***", "" + name);
        Assert.Equal("***", ((object)name).ToString());
        Span<byte> utf8 = stackalloc byte[8];
        Assert.True(name.TryFormat(utf8, out var written, default, null));
        Assert.Equal("***"u8.ToArray(), utf8[..written].ToArray());
        Assert.False(name.TryFormat(utf8[..2], out _, default, null));
    }

    [Fact]
    public void Json_writes_three_stars_wherever_it_stands_and_reads_none()
    {
        var held = new Holder(Phi.Of(Secret), Phi.Of(47), null, [Phi.Of(Secret)], new() { [Phi.Of(Secret)] = 1 });
        var text = JsonSerializer.Serialize(held);
        Assert.Equal("""{"Name":"***","Age":"***","None":null,"List":["***"],"Keys":{"***":1}}""", text);
        Assert.Equal("\"***\"", JsonSerializer.Serialize<object>(held.Name));
        Assert.Equal("\"***\"", JsonSerializer.Serialize(held.Name));
        Assert.Throws<NotSupportedException>(() => JsonSerializer.Deserialize<Phi<string>>("\"x\""));
    }

    [Fact]
    public void Records_and_lists_that_hold_one_do_not_tell_it()
    {
        var held = new Holder(Phi.Of(Secret), Phi.Of(47), Phi.Of(3), [], []);
        Assert.DoesNotContain(Secret, held.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("47", held.ToString(), StringComparison.Ordinal);
        Assert.Equal("(***, 1)", (held.Name, 1).ToString());
        Assert.Equal("System.Collections.DictionaryEntry", new DictionaryEntry(held.Name, 1).GetType().ToString());
    }

    [Fact]
    public void Only_its_own_method_reveals_it()
    {
        Assert.Equal(Secret, Phi.Of(Secret).Reveal());
        Assert.Equal(Phi.Of(Secret), Phi.Of(Secret));
        Assert.True(Phi.Of(Secret) != Phi.Of("x"));
        var shown = typeof(Phi<string>).GetProperties().Select(p => p.Name).Concat(typeof(Phi<string>).GetFields().Select(f => f.Name));
        Assert.Empty(shown);
    }

    private sealed record Holder(Phi<string> Name, Phi<int> Age, Phi<int>? None, List<Phi<string>> List, Dictionary<Phi<string>, int> Keys);
}
