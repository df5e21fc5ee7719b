namespace Warehouse.Engine.Query;

/// <summary>
/// A stretch that a listing could not judge, because a file of the store is damaged: every variant whose span (REF, or start to end of a
/// symbolic allele) touches it is left out, stored or not. All other rows are what an undamaged store answers.
/// </summary>
/// <param name="File">Name of the damaged file in the store.</param>
/// <param name="Contig">Contig as answers spell it.</param>
/// <param name="Start">0-based start.</param>
/// <param name="End">End, exclusive.</param>
/// <param name="Damage">What is wrong, naming the file.</param>
public sealed record UnavailableRange(string File, string Contig, int Start, int End, string Damage);
