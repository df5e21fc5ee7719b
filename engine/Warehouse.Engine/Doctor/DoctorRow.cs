namespace Warehouse.Engine.Doctor;

/// <summary>One check of the doctor.</summary>
/// <param name="Check">What was looked at.</param>
/// <param name="State">How it is.</param>
/// <param name="Text">What was found; when something is wrong, how to mend it. Holds no sample name.</param>
public readonly record struct DoctorRow(string Check, DoctorState State, string Text);

/// <summary>How a thing that was checked is.</summary>
public enum DoctorState
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>Works, and could be better.</summary>
    Note,

    /// <summary>Something that is needed is missing or set wrongly; no data is damaged.</summary>
    Missing,

    /// <summary>The store is not what was written.</summary>
    Damaged,
}
