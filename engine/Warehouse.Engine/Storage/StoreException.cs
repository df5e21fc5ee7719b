namespace Warehouse.Engine.Storage;

/// <summary>A store cannot do what was asked. Messages name files by their random id, never by content. What was published stays as it was.</summary>
public abstract class StoreException : IOException
{
    private protected StoreException(string message, Exception? inner) : base(message, inner)
    {
    }
}

/// <summary>Bytes are not what the store wrote: changed, missing, swapped or rolled back (I3, I7). Nothing is repaired; exit code 3.</summary>
public sealed class DamagedStoreException : StoreException
{
    /// <summary>Names the damage.</summary>
    /// <param name="file">Name in the store or key folder.</param>
    /// <param name="problem">What is wrong, in words.</param>
    /// <param name="inner">Cause, or null.</param>
    public DamagedStoreException(string file, string problem, Exception? inner = null) : base($"damaged store: {file}: {problem}", inner)
    {
        File = file;
        Problem = problem;
    }

    /// <summary>Name in the store or key folder.</summary>
    public string File { get; }

    /// <summary>What is wrong.</summary>
    public string Problem { get; }

    /// <summary>True when the file is not there at all.</summary>
    public bool IsMissing { get; init; }
}

/// <summary>Another writer holds the store, or published first. Nothing was published; try again later.</summary>
public sealed class StoreBusyException : StoreException
{
    /// <summary>Says why.</summary>
    public StoreBusyException(string message) : base(message, null)
    {
    }
}

/// <summary>A sync failed in this process: no write can be promised any more until it restarts. Reading goes on.</summary>
public sealed class StorePoisonedException : StoreException
{
    /// <summary>With the failure behind it, when this call met it.</summary>
    public StorePoisonedException(Exception? inner = null) : base("a sync failed: this process writes no more; restart it once the disk is sound", inner)
    {
    }
}

/// <summary>The folder cannot be used as asked, though nothing in it is damaged: permissions, devices, format, features, purged versions.</summary>
public sealed class StoreRefusedException : StoreException
{
    /// <summary>Says why.</summary>
    public StoreRefusedException(string message) : base(message, null)
    {
    }
}
