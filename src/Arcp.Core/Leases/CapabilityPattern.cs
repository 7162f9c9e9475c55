namespace Arcp.Core.Leases;

/// <summary>A pattern of a lease (§9): <c>*</c> is any run of characters without <c>/</c>, <c>**</c> any depth, everything else stands for itself.</summary>
/// <remarks>Immutable. <c>/a/**</c> matches <c>/a</c> and everything below, not <c>/ab</c>.</remarks>
public sealed class CapabilityPattern
{
    private readonly GlobProgram _program;

    private CapabilityPattern(string text, TargetKind kind)
    {
        Text = text;
        _program = GlobProgram.Compile(TargetNormalizer.NormalizePattern(text, kind), isUrl: kind is TargetKind.Url);
    }

    /// <summary>The pattern as it was given.</summary>
    public string Text { get; }

    /// <summary>Compiles a pattern of a namespace, whose targets tell how it is normalised.</summary>
    /// <param name="name">The namespace.</param>
    /// <param name="text">The pattern; see <see cref="LeaseGrammar"/> for what is accepted.</param>
    /// <exception cref="ArgumentException">The pattern is not accepted; the message says why.</exception>
    public static CapabilityPattern Parse(string name, string text)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(text);
        return LeaseGrammar.FindPatternError(name, text) is { } error
            ? throw new ArgumentException(error, nameof(text))
            : OfChecked(name, text);
    }

    /// <summary>Compiles a pattern that the grammar has accepted.</summary>
    internal static CapabilityPattern OfChecked(string name, string text) => new(text, LeaseNamespaces.KindOf(name));

    /// <summary>Whether the pattern matches a target that is normalised already.</summary>
    /// <param name="normalized">The target.</param>
    public bool Matches(ReadOnlySpan<char> normalized) => _program.Matches(normalized);

    /// <summary>Whether every target that another pattern of the namespace matches is matched by this one (§9.4). A yes is always right.</summary>
    /// <param name="other">The other.</param>
    public bool Includes(CapabilityPattern other)
    {
        ArgumentNullException.ThrowIfNull(other);
        int work = GlobInclusion.MaxWork;
        return Includes(other, ref work);
    }

    internal bool Includes(CapabilityPattern other, ref int work) => _program.Includes(other._program, ref work);

    /// <inheritdoc/>
    public override string ToString() => Text;
}
