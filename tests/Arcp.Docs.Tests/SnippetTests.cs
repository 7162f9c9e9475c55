using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Arcp.Docs.Tests;

/// <summary>What the pages show is C# that a reader can paste into a program.</summary>
public sealed partial class SnippetTests
{
    // The usings that the web SDK gives every file.
    private const string ImplicitUsings =
        """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Net.Http.Json;
        global using System.Threading;
        global using System.Threading.Tasks;
        global using Microsoft.AspNetCore.Builder;
        global using Microsoft.AspNetCore.Hosting;
        global using Microsoft.AspNetCore.Http;
        global using Microsoft.AspNetCore.Routing;
        global using Microsoft.Extensions.Configuration;
        global using Microsoft.Extensions.DependencyInjection;
        global using Microsoft.Extensions.Hosting;
        global using Microsoft.Extensions.Logging;
        """;

    private static readonly string PagesFolder = Path.Combine(AppContext.BaseDirectory, "Pages");

    private static readonly CSharpCompilation Empty = CSharpCompilation.Create(
        "Snippet",
        [CSharpSyntaxTree.ParseText(ImplicitUsings)],
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path)),
        new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable));

    // Each block, by its page and its first line.
    private static readonly Dictionary<(string Page, int Line), string> Snippets = FindSnippets();

    public static TheoryData<string, int> Places
    {
        get
        {
            var places = new TheoryData<string, int>();
            foreach ((string page, int line) in Snippets.Keys)
            {
                places.Add(page, line);
            }

            return places;
        }
    }

    [Theory]
    [MemberData(nameof(Places))]
    public void Every_block_of_C_sharp_compiles_as_a_program(string page, int line) =>
        ErrorsOf(Snippets[(page, line)]).Should().BeEmpty("line 1 is line {0} of {1}", line, page);

    [Fact]
    public void The_readme_has_blocks() => Snippets.Keys.Count(place => place.Page == "README.md").Should().BeGreaterThanOrEqualTo(2);

    [Fact]
    public void A_block_that_uses_what_does_not_exist_is_found_out() =>
        ErrorsOf("await Arcp.Client.ArcpClient.ConnectSomehowAsync();").Should().ContainSingle().Which.Should().Contain("ConnectSomehowAsync");

    private static Dictionary<(string Page, int Line), string> FindSnippets()
    {
        var snippets = new Dictionary<(string, int), string>();
        foreach (string page in Directory.GetFiles(PagesFolder, "*.md", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            string text = File.ReadAllText(page);
            foreach (Match block in Block().Matches(text))
            {
                Group code = block.Groups["code"];
                snippets.Add((Path.GetRelativePath(PagesFolder, page), text.AsSpan(0, code.Index).Count('\n') + 1), code.Value);
            }
        }

        return snippets;
    }

    private static List<string> ErrorsOf(string code)
    {
        CSharpGeneratorDriver.Create(JsonGenerator()).RunGeneratorsAndUpdateCompilation(
            Empty.AddSyntaxTrees(CSharpSyntaxTree.ParseText(code)), out Compilation program, out _);
        return [.. program.GetDiagnostics().Where(diagnostic => diagnostic.Severity is DiagnosticSeverity.Error).Select(diagnostic => diagnostic.ToString())];
    }

    private static IIncrementalGenerator JsonGenerator()
    {
        string path = typeof(SnippetTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "JsonGenerator").Value!;
        return (IIncrementalGenerator)Activator.CreateInstance(Assembly.LoadFrom(path).GetType("System.Text.Json.SourceGeneration.JsonSourceGenerator", throwOnError: true)!)!;
    }

    [GeneratedRegex(@"^[ \t]*```(?:csharp|cs|c\#)[^\n]*\n(?<code>.*?)^[ \t]*```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
