package org.fewstep.distill;

/**
 * One segment of a distilled flow.
 *
 * @param start the time at which it begins (noise)
 * @param end the time at which it ends (data)
 * @param localError its error from exact states at its start, on held-out trajectories
 * @param displacement the root mean square of the exact displacement, per coordinate
 * @param stabilityBound exp of the integral of the Lipschitz bound L(t) over the segment: no two
 *     exact states part by more than this factor; infinite where it overflows
 * @param exactAmplification the largest factor by which the exact map was seen to part two
 *     neighbouring states
 * @param meanExactAmplification the mean of that factor over held-out states
 * @param learnedAmplification the largest factor of the network's
 */
public record SegmentReport(
    double start,
    double end,
    FlowError localError,
    double displacement,
    double stabilityBound,
    double exactAmplification,
    double meanExactAmplification,
    double learnedAmplification) {}
