using Xunit;

namespace Warehouse.Tests.House;

/// <summary>rust-free-build.md, kept true: no Rust in the sources, in what was restored, or in what was built.</summary>
public sealed class RustFreeTests
{
    /// <summary>Left by the Rust compiler in every library that it links, stripped or not.</summary>
    private static readonly string[] Marks = ["/rustc/", "rust_begin_unwind", "rust_eh_personality", "library/core/src/panicking"];

    [Fact]
    public void Sources_hold_no_rust_and_call_no_rust_tool()
    {
        Assert.DoesNotContain(SourceTree.Files(), f => Path.GetExtension(f) is ".rs" or ".rlib" || Path.GetFileName(f) is "Cargo.toml" or "Cargo.lock" or "rust-toolchain" or "rust-toolchain.toml");
        string[] tools = ["cargo ", "rustc ", "rustup", "maturin", "wasm-pack"];
        var builders = SourceTree.Files().Where(f => Path.GetExtension(f) is ".csproj" or ".props" or ".targets" or ".sh" or ".json" || Path.GetFileName(f) is "warehouse" or "run");
        Problems.None(builders.SelectMany(f => tools.Where(t => SourceTree.Read(f).Contains(t, StringComparison.Ordinal)).Select(t => $"{f}: {t}")));
    }

    [Fact]
    public void Native_files_beside_the_tests_and_in_the_javascript_peers_hold_no_mark_of_the_rust_compiler()
    {
        var folders = new[] { AppContext.BaseDirectory, Path.Combine(TestData.ProjectRoot, "artifacts", "warehouse"), Path.Combine(TestData.ProjectRoot, "tests", "interop", "node_modules") };
        var files = folders.Where(Directory.Exists).SelectMany(f => Directory.EnumerateFiles(f, "*", SearchOption.AllDirectories)).Where(IsNative).ToList();
        Problems.None(files.SelectMany(f => MarksIn(f).Select(m => $"{f}: {m}")));
    }

    [Fact]
    public void Marks_are_found_where_they_are()
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder["a.so"], [.. "\u007fELF"u8, .. new byte[100_000], .. "/rustc/0123"u8]);
        Assert.True(IsNative(folder["a.so"]));
        Assert.Equal(["/rustc/"], MarksIn(folder["a.so"]));
    }

    /// <summary>An ELF file or a WebAssembly module, whatever it is called.</summary>
    private static bool IsNative(string path)
    {
        Span<byte> head = stackalloc byte[4];
        using var stream = File.OpenRead(path);
        var read = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        return read == head.Length && (head.SequenceEqual("\u007fELF"u8) || head.SequenceEqual("\0asm"u8));
    }

    private static IEnumerable<string> MarksIn(string path)
    {
        var bytes = File.ReadAllBytes(path);
        return Marks.Where(m => bytes.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(m)) >= 0);
    }
}
