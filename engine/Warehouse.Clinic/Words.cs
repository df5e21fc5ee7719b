using System.Text;
using Warehouse.Engine;

namespace Warehouse.Clinic;

/// <summary>Members of fixed sets as they are written: lower case, a dash between words.</summary>
public static class Words
{
    /// <summary>The word of a member.</summary>
    public static string Of<T>(T member) where T : struct, Enum
    {
        var word = new StringBuilder();
        foreach (var c in member.ToString())
        {
            if (char.IsAsciiLetterUpper(c) && word.Length > 0) word.Append('-');
            word.Append(char.ToLowerInvariant(c));
        }
        return word.ToString();
    }

    /// <summary>The words of what a set of flags has; <c>none</c> for none.</summary>
    public static IEnumerable<string> OfFlags<T>(T flags) where T : struct, Enum =>
        flags.ToString().Split(", ").Select(name => string.Concat(name.Select((c, i) => char.IsUpper(c) && i > 0 ? "-" + char.ToLowerInvariant(c) : char.ToLowerInvariant(c).ToString())));

    /// <summary>The member of a word; null for any other text.</summary>
    public static T? TryParse<T>(string word) where T : struct, Enum
    {
        foreach (var member in Enum.GetValues<T>())
            if (Of(member) == word) return member;
        return null;
    }

    /// <summary>The member of a word.</summary>
    /// <exception cref="InputException">There is none: rule <c>assess-word</c>.</exception>
    public static T Parse<T>(string word) where T : struct, Enum =>
        TryParse<T>(word) ?? throw new InputException("assess-word", $"{InputException.Quote(Encoding.UTF8.GetBytes(word))} is not one of {string.Join(", ", Enum.GetValues<T>().Select(Of))}", InputPlace.None);
}
