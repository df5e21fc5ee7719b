namespace Warehouse.Engine.Samples;

/// <summary>How far a value may travel. Ordered from the most protected to the least, so that a combination takes the minimum.</summary>
public enum DataClass
{
    /// <summary>Identifies or describes one person; stays where the samples are.</summary>
    Phi = 0,

    /// <summary>About one sample under a name that means nothing outside the laboratory.</summary>
    Pseudonymous = 1,

    /// <summary>May name a group in figures over many samples.</summary>
    Aggregate = 2,

    /// <summary>May be published.</summary>
    Public = 3,
}
