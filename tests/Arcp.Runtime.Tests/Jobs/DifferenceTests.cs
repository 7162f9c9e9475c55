using System.Text;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Tests.Jobs;

/// <summary>What is kept of a record that is much like another one.</summary>
public class DifferenceTests
{
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.02)]
    [InlineData(0.3)]
    [InlineData(1.0)]
    public void What_differs_makes_the_bytes_again_and_never_takes_much_more_than_they(double changed)
    {
        var random = new Random(7);
        byte[] output = new byte[Difference.MaxSize(1_000)];
        for (int i = 0; i < 5_000; i++)
        {
            byte[] model = Bytes(random, random.Next(1_000));
            byte[] bytes = Bytes(random, random.Next(1_000));
            for (int at = 0; at < Math.Min(model.Length, bytes.Length); at++)
            {
                bytes[at] = random.NextDouble() < changed ? (byte)random.Next(4) : model[at];
            }

            int size = Difference.Write(bytes, model, output);
            size.Should().BeLessThanOrEqualTo(Difference.MaxSize(bytes.Length));
            byte[] again = new byte[random.Next(2) == 0 ? bytes.Length : random.Next(bytes.Length + 1)];
            Difference.Apply(output.AsSpan(0, size), model, again);
            again.Should().Equal(bytes.Take(again.Length));
        }
    }

    [Fact]
    public void Texts_of_one_form_share_all_but_what_is_their_own()
    {
        byte[] model = Encoding.UTF8.GetBytes("""{"type":"job.event","id":"msg_01K9Y0A7W9X5C7R1N9B8T2V4E6","payload":{"kind":"status","body":{"phase":"running"}}}""");
        byte[] bytes = Encoding.UTF8.GetBytes("""{"type":"job.event","id":"msg_01K9Y0A7WAQQQQQQQQQQQQQQQQ","payload":{"kind":"status","body":{"phase":"running"}}}""");
        byte[] output = new byte[Difference.MaxSize(bytes.Length)];

        // 39 the same, 17 that are not, 57 the same.
        Difference.Write(bytes, model, output).Should().Be(2 + 17 + 2);
        output[..2].Should().Equal(39, 17);
        output[19..21].Should().Equal((byte)(bytes.Length - 39 - 17), 0);
    }

    // Of few values, so that equal ones stand side by side by chance, too.
    private static byte[] Bytes(Random random, int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return [.. bytes.Select(value => (byte)(value % 4))];
    }
}
