using Grpc.Core;
using Warehouse.Protocol.V1;

namespace Warehouse.Client;

// Who may see what. Changes are for operations, but for a break-glass, which is for treatment, whatever the client says otherwise; what they make is in force when another
// principal has approved it, and a break-glass at once.
public sealed partial class WarehouseClient
{
    /// <summary>Why answers are refused or bounded, without telling what is hidden: to the caller himself, or to a principal with what its identity provider states of it.</summary>
    /// <param name="ask">Purpose, level and project of the question that is explained; null = as the client says.</param>
    /// <param name="principal">Of whom; null = the caller. Of others for who may read the policy.</param>
    /// <param name="stop">Gives the question up.</param>
    public async Task<IReadOnlyList<AccessReason>> ExplainAsync(AskOptions? ask = null, ExplainRequest? principal = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = principal?.Clone() ?? new ExplainRequest();
        request.Asking = ask.ToWire();
        return (await _caller.AskAsync(how => _access.ExplainAsync(request, how), ask, stop).ConfigureAwait(false)).Reasons;
    }

    /// <summary>Entries of the policy with where they stand, by number, the settings in force and the release epoch: all for data stewards, lab directors and auditors, for others what is for them.</summary>
    /// <param name="all">Also what is revoked, replaced or over.</param>
    /// <param name="stop">Gives the question up.</param>
    public Task<ListAccessReply> PolicyAsync(bool all = false, CancellationToken stop = default)
    {
        var request = new ListAccessRequest { Asking = ForOperations.ToWire(), All = all };
        return _caller.AskAsync(how => _access.ListAsync(request, how), ForOperations, stop);
    }

    /// <summary>What an access review has to look at.</summary>
    public async Task<IReadOnlyList<ReviewFinding>> AccessReviewAsync(CancellationToken stop = default)
    {
        var request = new ReviewAccessRequest { Asking = ForOperations.ToWire() };
        return (await _caller.AskAsync(how => _access.ReviewAsync(request, how), ForOperations, stop).ConfigureAwait(false)).Findings;
    }

    /// <summary>Grants; its purpose of use is operations unless it has its own.</summary>
    public Task<AccessChange> GrantAsync(GrantRequest request, CancellationToken stop = default)
    {
        var asked = request.Clone();
        asked.Asking ??= ForOperations.ToWire();
        return _caller.ChangeAsync(how => _access.GrantAsync(asked, how), ForOperations, stop);
    }

    /// <summary>Gives a role to a principal or a group.</summary>
    public Task<AccessChange> AssignAsync(string subject, Role role, CancellationToken stop = default)
    {
        var request = new AssignRequest { Asking = ForOperations.ToWire(), Subject = subject, Role = role };
        return _caller.ChangeAsync(how => _access.AssignAsync(request, how), ForOperations, stop);
    }

    /// <summary>Takes a role away, at once.</summary>
    public Task<AccessChange> UnassignAsync(string subject, Role role, CancellationToken stop = default)
    {
        var request = new AssignRequest { Asking = ForOperations.ToWire(), Subject = subject, Role = role };
        return _caller.ChangeAsync(how => _access.UnassignAsync(request, how), ForOperations, stop);
    }

    /// <summary>Registers a project, or registers it anew.</summary>
    public Task<AccessChange> RegisterProjectAsync(Project project, CancellationToken stop = default)
    {
        var request = new RegisterProjectRequest { Asking = ForOperations.ToWire(), Project = project };
        return _caller.ChangeAsync(how => _access.RegisterProjectAsync(request, how), ForOperations, stop);
    }

    /// <summary>Changes bounds; what is absent stays as it is.</summary>
    public Task<AccessChange> ChangeAccessSettingsAsync(Settings settings, CancellationToken stop = default)
    {
        var request = new ChangeSettingsRequest { Asking = ForOperations.ToWire(), Settings = settings };
        return _caller.ChangeAsync(how => _access.ChangeSettingsAsync(request, how), ForOperations, stop);
    }

    /// <summary>Approves what somebody else has made.</summary>
    public Task<AccessChange> ApproveAsync(int entry, CancellationToken stop = default) => ChangeAsync(entry, _access.ApproveAsync, stop);

    /// <summary>Revokes an entry, at once.</summary>
    public Task<AccessChange> RevokeAsync(int entry, CancellationToken stop = default) => ChangeAsync(entry, _access.RevokeAsync, stop);

    /// <summary>Confirms that grants are still needed.</summary>
    public Task<AccessChange> AttestAsync(IEnumerable<int> entries, CancellationToken stop = default)
    {
        var request = new AttestRequest { Asking = ForOperations.ToWire(), Ids = { entries } };
        return _caller.ChangeAsync(how => _access.AttestAsync(request, how), ForOperations, stop);
    }

    /// <summary>Asks for more, for the caller himself, for hours.</summary>
    public Task<AccessChange> ElevateAsync(ElevateRequest request, CancellationToken stop = default)
    {
        var asked = request.Clone();
        asked.Asking ??= ForOperations.ToWire();
        return _caller.ChangeAsync(how => _access.ElevateAsync(asked, how), ForOperations, stop);
    }

    /// <summary>Opens all samples of one person to the caller himself, at once, in an emergency; somebody else reviews it.</summary>
    /// <param name="samples">Names of samples of the person.</param>
    /// <param name="reason">Why; no name of a patient or sample in it.</param>
    /// <param name="minutes">For how long; null = as long as the settings allow.</param>
    /// <param name="stop">Gives it up; the glass may be broken all the same.</param>
    public Task<AccessChange> BreakGlassAsync(IEnumerable<string> samples, string reason, int? minutes = null, CancellationToken stop = default)
    {
        var request = new BreakGlassRequest { Asking = ForTreatment.ToWire(), Samples = { samples }, Reason = reason };
        if (minutes is { } some) request.Minutes = some;
        return _caller.ChangeAsync(how => _access.BreakGlassAsync(request, how), ForTreatment, stop);
    }

    /// <summary>Says that a break-glass of another principal was looked into.</summary>
    public Task<AccessChange> ReviewBreakGlassAsync(int entry, CancellationToken stop = default) => ChangeAsync(entry, _access.ReviewBreakGlassAsync, stop);

    /// <summary>Opens a release epoch.</summary>
    /// <param name="snapshot">Version of the store that it answers from; null = the newest.</param>
    /// <param name="stop">Gives it up; the epoch may be open all the same.</param>
    public Task<OpenEpochReply> OpenEpochAsync(long? snapshot = null, CancellationToken stop = default)
    {
        var request = new OpenEpochRequest { Asking = ForOperations.ToWire() };
        if (snapshot is { } version) request.Snapshot = version;
        return _caller.ChangeAsync(how => _access.OpenEpochAsync(request, how), ForOperations, stop);
    }

    private Task<AccessChange> ChangeAsync(int entry, Func<EntryRequest, CallOptions, AsyncUnaryCall<AccessChange>> change, CancellationToken stop)
    {
        var request = new EntryRequest { Asking = ForOperations.ToWire(), Id = entry };
        return _caller.ChangeAsync(how => change(request, how), ForOperations, stop);
    }

    private AskOptions ForOperations => _options.Ask with { Purpose = Purpose.Operations };
}
