using Google.Protobuf;
using Grpc.Core;
using Warehouse.Protocol.V1;

namespace Warehouse.Client;

/// <summary>What the laboratory says of alleles. Who writes and signs is whom the server takes the caller for. Changes are asked once.</summary>
public sealed partial class WarehouseClient
{
    private const int MaxImportBytes = 1 << 18;

    private Assessments.AssessmentsClient AssessmentsService => new(_channel);

    /// <summary>Assessments that the caller may see, as of <see cref="AskOptions.Snapshot"/>; its purpose, level and snapshot are those of <paramref name="ask"/> unless the request has its own.</summary>
    public async Task<(IReadOnlyList<Assessment> Own, IReadOnlyList<OtherAssessment> Others, ListAssessmentsEnd End)> AssessmentsAsync(ListAssessmentsRequest request, AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var asked = request.Clone();
        asked.Asking ??= ask.ToWire();
        var (own, others, end) = (new List<Assessment>(), new List<OtherAssessment>(), default(ListAssessmentsEnd));
        await foreach (var reply in _caller.ReadAsync(how => AssessmentsService.List(asked, how), ask, stop).ConfigureAwait(false))
        {
            own.AddRange(reply.Own);
            others.AddRange(reply.Others);
            end = reply.End ?? end;
        }
        return end is null || end.Rows != own.Count + others.Count ? throw WarehouseException.Cut() : (own, others, end);
    }

    /// <summary>One assessment, or every version of it, the first first.</summary>
    public async Task<IReadOnlyList<Assessment>> AssessmentAsync(long id, bool history = false, AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new ShowAssessmentRequest { Asking = ask.ToWire(), Id = id, History = history };
        return (await _caller.AskAsync(how => AssessmentsService.ShowAsync(request, how), ask, stop).ConfigureAwait(false)).Versions;
    }

    /// <summary>Begins an assessment, or changes a draft.</summary>
    public async Task<Assessment> DraftAsync(DraftAssessmentRequest request, AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var asked = request.Clone();
        asked.Asking ??= ask.ToWire();
        return (await _caller.ChangeAsync(how => AssessmentsService.DraftAsync(asked, how), ask, stop).ConfigureAwait(false)).Assessment;
    }

    /// <summary>Hands a draft in.</summary>
    public async Task<Assessment> SubmitAsync(long id, int version, AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new AssessmentChangeRequest { Asking = ask.ToWire(), Id = id, Version = version };
        return (await _caller.ChangeAsync(how => AssessmentsService.SubmitAsync(request, how), ask, stop).ConfigureAwait(false)).Assessment;
    }

    /// <summary>Rejects one in review: it is a draft again.</summary>
    public async Task<Assessment> ReturnAsync(long id, int version, string reason, AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new AssessmentChangeRequest { Asking = ask.ToWire(), Id = id, Version = version, Reason = reason };
        return (await _caller.ChangeAsync(how => AssessmentsService.ReturnAsync(request, how), ask, stop).ConfigureAwait(false)).Assessment;
    }

    /// <summary>Signs one in review that somebody else wrote; needs a second factor.</summary>
    public async Task<Assessment> SignAsync(SignAssessmentRequest request, AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var asked = request.Clone();
        asked.Asking ??= ask.ToWire();
        return (await _caller.ChangeAsync(how => AssessmentsService.SignAsync(asked, how), ask, stop).ConfigureAwait(false)).Assessment;
    }

    /// <summary>Takes back what is signed, or gives up what is not.</summary>
    public async Task<Assessment> RetireAsync(long id, int version, string reason, AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new AssessmentChangeRequest { Asking = ask.ToWire(), Id = id, Version = version, Reason = reason };
        return (await _caller.ChangeAsync(how => AssessmentsService.RetireAsync(request, how), ask, stop).ConfigureAwait(false)).Assessment;
    }

    /// <summary>The laboratory's name and thresholds.</summary>
    public Task<AssessmentSettings> AssessmentSettingsAsync(AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new AssessmentSettingsRequest { Asking = ask.ToWire() };
        return _caller.AskAsync(how => AssessmentsService.SettingsAsync(request, how), ask, stop);
    }

    /// <summary>Changes those of the settings that are present; lab directors, with a second factor.</summary>
    public Task<AssessmentSettings> ChangeAssessmentSettingsAsync(AssessmentSettings settings, AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new ChangeAssessmentSettingsRequest { Asking = ask.ToWire(), Settings = settings };
        return _caller.ChangeAsync(how => AssessmentsService.ChangeSettingsAsync(request, how), ask, stop);
    }

    /// <summary>Suggests a criterion of frequency from the store's figures. Below the level record it is charged to the project.</summary>
    public Task<SuggestReply> SuggestAsync(string variant, AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new SuggestRequest { Asking = ask.ToWire(), Variant = variant, Samples = ask.SamplesToWire() };
        return _caller.AskAsync(how => AssessmentsService.SuggestAsync(request, how), ask, stop);
    }

    /// <summary>Alleles of which laboratories, or what is stated here, say what differs in care.</summary>
    public Task<DiscordanceReply> DiscordanceAsync(IEnumerable<ClassStatement>? with = null, AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new DiscordanceRequest { Asking = ask.ToWire(), With = { with ?? [] } };
        return _caller.AskAsync(how => AssessmentsService.DiscordanceAsync(request, how), ask, stop);
    }

    /// <summary>Takes in what other laboratories say, all of it or nothing.</summary>
    /// <param name="lines">Lines of JSON without their ends, of the schema warehouse.assessment/1.</param>
    /// <param name="ask">What the request says beside; null = as the client says.</param>
    /// <param name="stop">Gives it up.</param>
    public async Task<ImportAssessmentsReply> ImportAssessmentsAsync(IEnumerable<ReadOnlyMemory<byte>> lines, AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        using var call = AssessmentsService.Import(_caller.How(ask.Deadline ?? _options.Deadline, stop));
        try
        {
            var (request, bytes) = (new ImportAssessmentsRequest { Asking = ask.ToWire() }, 0);
            foreach (var line in lines)
            {
                if (bytes > 0 && bytes + line.Length > MaxImportBytes)
                {
                    await call.RequestStream.WriteAsync(request, stop).ConfigureAwait(false);
                    (request, bytes) = (new ImportAssessmentsRequest(), 0);
                }
                request.Lines.Add(ByteString.CopyFrom(line.Span));
                bytes += line.Length;
            }
            await call.RequestStream.WriteAsync(request, stop).ConfigureAwait(false);
            await call.RequestStream.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is RpcException or InvalidOperationException)
        {
            // The server has ended the call: its answer says why.
        }
        try
        {
            return await call.ResponseAsync.ConfigureAwait(false);
        }
        catch (RpcException failure)
        {
            stop.ThrowIfCancellationRequested();
            throw WarehouseException.Of(failure);
        }
    }

    /// <summary>The signed assessments, or all of them and those of others, as a file.</summary>
    public ByteAnswer ExportAssessments(AssessmentExportForm form, bool all = false, AskOptions? ask = null)
    {
        ask ??= _options.Ask;
        var request = new ExportAssessmentsRequest { Asking = ask.ToWire(), Form = form, All = all };
        return new ByteAnswer(ask, stop => _caller.ReadAsync(how => AssessmentsService.Export(request, how), ask, stop));
    }
}
