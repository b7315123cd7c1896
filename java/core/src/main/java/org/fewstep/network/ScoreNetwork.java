package org.fewstep.network;

import java.util.List;

/**
 * The layers of a compiled score and what they guarantee.
 *
 * @param layers the layers
 * @param errorBound a bound of the distance to the score in exact arithmetic
 * @param everywhere whether that holds at every x, or else in L2(p_t)
 */
record ScoreNetwork(List<Layer> layers, double errorBound, boolean everywhere) {}
