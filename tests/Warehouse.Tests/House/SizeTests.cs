using Xunit;

namespace Warehouse.Tests.House;

/// <summary>Files and methods that a person can hold in mind. The lists of exceptions may shrink, never grow.</summary>
public sealed class SizeTests
{
    private const int FileLimit = 600, MethodLimit = 70, KernelLimit = 110;

    /// <summary>Path, its length, why.</summary>
    private static readonly (string Path, int Lines, string Reason)[] LongFiles = [];

    /// <summary>Path and method, its length, why.</summary>
    private static readonly (string Path, string Method, int Lines, string Reason)[] LongMethods = [];

    [Fact]
    public void Files_stay_within_their_limit()
    {
        var long_ = SourceTree.Files(suffix: ".cs").Select(f => (Path: f, Lines: SourceTree.Read(f).AsSpan().Count('\n'))).Where(f => f.Lines > FileLimit).ToList();
        var problems = long_.Where(f => !LongFiles.Any(e => e.Path == f.Path && e.Lines >= f.Lines)).Select(f => $"{f.Path}: {f.Lines} lines, at most {FileLimit}")
            .Concat(LongFiles.Where(e => !long_.Any(f => f.Path == e.Path && f.Lines == e.Lines)).Select(e => $"{e.Path}: the exception of {e.Lines} lines is too wide or not needed: shrink the list"));
        Problems.None(problems);
    }

    [Fact]
    public void Methods_stay_within_their_limit()
    {
        var long_ = new List<(string Path, string Name, int Lines, int Limit)>();
        var measured = 0;
        foreach (var path in SourceTree.Files(suffix: ".cs"))
        {
            var source = SourceTree.Read(path);
            var lines = source.Split('\n');
            foreach (var member in SourceScanner.Members(source))
            {
                measured++;
                // The reason stands in the member or in the comment right above it.
                var limit = lines[Math.Max(0, member.FirstLine - 4)..member.LastLine].Any(l => l.Contains("// kernel: ", StringComparison.Ordinal)) ? KernelLimit : MethodLimit;
                // Rows of test data in attributes are a table, not code.
                var rows = lines[(member.FirstLine - 1)..member.LastLine].Count(l => l.TrimStart().StartsWith("[InlineData(", StringComparison.Ordinal));
                if (member.LineCount - rows > limit) long_.Add((path, member.Name, member.LineCount - rows, limit));
            }
        }
        Assert.True(measured > 100, $"only {measured} members found: the scanner is broken");
        var problems = long_.Where(m => !LongMethods.Any(e => e.Path == m.Path && e.Method == m.Name && e.Lines >= m.Lines)).Select(m => $"{m.Path}: {m.Name} has {m.Lines} lines, at most {m.Limit}")
            .Concat(LongMethods.Where(e => !long_.Any(m => m.Path == e.Path && m.Name == e.Method && m.Lines == e.Lines)).Select(e => $"{e.Path}: the exception for {e.Method} is too wide or not needed: shrink the list"));
        Problems.None(problems);
    }

    [Fact]
    public void Scanner_finds_members_between_braces_in_literals_and_comments()
    {
        const string source = """"
            namespace A; // {
            /// <summary>} {</summary>
            public sealed record B(int C) : D<string>("{")
            {
                private static readonly Dictionary<string, int> Table = new() { ["}"] = 1 };
                public int P { get; init; } = 3;
                public int Q => E(new X { Y = 1 },
                    '}');
                [Fact("{")]
                public static T M<T>(T x = default) where T : struct
                {
                    var text = $"{x} {{ {(x is { } y ? $"{y:N} }}" : "{")}";
                    var raw = """
                        } "" {
                        """;
                    return @"\" == "" ? x : Local();
                    T Local() { return x; }
                }
                public static bool operator ==(A a, A b) { return true; }
                private enum N { A, B }
                /* } */
                ~B()
                {
                }
            }
            """";
        Assert.Equal(
            [("P", 6, 6), ("Q", 7, 8), ("M<T>", 9, 18), ("==", 19, 19), ("~B", 22, 24)],
            SourceScanner.Members(source).Select(m => (m.Name, m.FirstLine, m.LastLine)));
    }
}
