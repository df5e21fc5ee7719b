namespace Warehouse.Engine.Release;

/// <summary>
/// What was answered of each cohort or group in one epoch, in units: a variant of a set counts once, however often it is asked for. The attack
/// that this bounds (is a known person in the cohort?) gains with the number of distinct variants per person of the cohort. One of these
/// per project, and one for all together, where a variant counts once for all projects, since they would be told the same. One thread.
/// </summary>
internal sealed class Budget
{
    private readonly Dictionary<int, Account> _accounts = [];

    /// <summary>Units taken of a set.</summary>
    internal int UsedOf(int set) => _accounts.TryGetValue(set, out var account) ? account.Units : 0;

    /// <summary>Whether a variant of a set was charged.</summary>
    internal bool Has(int set, VariantHash variant) => _accounts.TryGetValue(set, out var account) && account.Variants.Contains(variant);

    /// <summary>Charges a variant of a set; nothing when it was charged before.</summary>
    internal void Charge(int set, VariantHash variant, int units)
    {
        if (!_accounts.TryGetValue(set, out var account)) _accounts[set] = account = new Account();
        if (account.Variants.Add(variant)) account.Units += units;
    }

    private sealed class Account
    {
        internal int Units;

        internal HashSet<VariantHash> Variants { get; } = [];
    }
}
