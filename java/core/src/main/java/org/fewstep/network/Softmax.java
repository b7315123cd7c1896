package org.fewstep.network;

import java.util.ArrayList;
import java.util.List;

/**
 * The layers from logits to responsibilities: a tournament for the largest logit, a clamp,
 * exponentials, the reciprocal of their sum, products.
 */
final class Softmax {

  /** A contender for the largest logit: one logit plus an excess >= 0, null for none. */
  private record Contender(int base, Value excess) {

    void addTo(Combination sum, double factor, Logits logits) {
      logits.addTo(sum, factor, base);
      if (excess != null) {
        sum.plus(factor, excess);
      }
    }
  }

  private final NetworkBuilder builder;
  private final Gadgets gadgets;
  private final Logits logits;
  private final SoftmaxBudget budget;
  private int level;

  Softmax(NetworkBuilder builder, Logits logits, SoftmaxBudget budget) {
    this.builder = builder;
    this.gadgets = new Gadgets(builder);
    this.logits = logits;
    this.budget = budget;
    this.level = logits.level();
  }

  /** The responsibilities r_k. */
  List<Value> responsibilities() {
    return weights(null);
  }

  /** The responsibilities times a factor >= 0. */
  List<Value> responsibilitiesTimes(Value factor) {
    return weights(factor);
  }

  private List<Value> weights(Value factor) {
    List<Value> exponentials = exponentials();
    Combination sum = builder.at(exponentials.get(0).level());
    exponentials.forEach(e -> sum.plus(1, e));
    double low = budget.smallestSum();
    double high = budget.components();
    Value total = sum.value().within(low, high);
    Value inverse = gadgets.reciprocal(total, low, high, budget.iterations());
    Value common = factor == null ? inverse : gadgets.product(inverse, factor);
    double most = factor == null ? 1 : factor.high();
    return exponentials.stream().map(e -> gadgets.product(e, common).within(0, most)).toList();
  }

  /** e_k = exp(l_k - M), from zero on where that is below e^-B. */
  private List<Value> exponentials() {
    Contender largest = largest();
    double range = budget.exponential().range();
    double offset = range - SoftmaxBudget.MARGIN;
    Value settled = null;
    if (logits.ceiling() < Double.POSITIVE_INFINITY) {
      Combination below = builder.at(level).plus(logits.ceiling());
      largest.addTo(below, -1, logits);
      settled = builder.carried(below.value().within(0, Double.POSITIVE_INFINITY), ++level);
    }
    List<Value> result = new ArrayList<>();
    for (int k = 0; k < logits.count(); k++) {
      Combination height = builder.at(level).plus(offset);
      logits.addTo(height, 1, k);
      if (settled == null) {
        largest.addTo(height, -1, logits);
      } else {
        height.plus(-logits.ceiling()).plus(1, settled);
      }
      Value clamped = builder.relu(height.value());
      Value depth = builder.where(clamped).plus(range).plus(-1, clamped).value().within(0, range);
      Value complement = gadgets.complementOfExponential(depth, budget.exponential());
      double share = 1 / (1 - budget.exponential().floor());
      result.add(builder.where(complement).plus(1).plus(-share, complement).value().within(0, 1));
    }
    return result;
  }

  /** max(a, b) = b + relu(a - b), in rounds. */
  private Contender largest() {
    List<Contender> round = new ArrayList<>();
    for (int k = 0; k < logits.count(); k++) {
      round.add(new Contender(k, null));
    }
    while (round.size() > 1) {
      List<Contender> winners = new ArrayList<>();
      for (int i = 0; i + 1 < round.size(); i += 2) {
        winners.add(larger(round.get(i), round.get(i + 1)));
      }
      if (round.size() % 2 == 1) {
        winners.add(round.get(round.size() - 1));
      }
      round = winners;
      level++;
    }
    return round.get(0);
  }

  private Contender larger(Contender one, Contender base) {
    Combination lead = builder.at(level);
    one.addTo(lead, 1, logits);
    base.addTo(lead, -1, logits);
    Combination excess = builder.at(level + 1).plus(1, builder.relu(lead.value()));
    if (base.excess() != null) {
      excess.plus(1, base.excess());
    }
    return new Contender(base.base(), excess.value().within(0, Double.POSITIVE_INFINITY));
  }
}
