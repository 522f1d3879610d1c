//! The router beside other ways to route, by task, by cost weight, and under small edits.

use pointsman::evaluate::{Baseline, FrontMetrics, Point, Report};

pub fn print(report: &Report) -> anyhow::Result<()> {
    print_ways(report)?;
    print_tasks(report)?;
    print_weights(report)?;
    report.front.map_or(Ok(()), |front| print_front(&front))?;
    print_stability(report)
}

/// Score in percent and cost of 1,000 calls.
fn cells(point: Point) -> String {
    format!("{:7.2}% {:10.4}", point.score * 100.0, point.usd * 1e3)
}

fn print_ways(report: &Report) -> anyhow::Result<()> {
    say!("\nways to route, each at its setting nearest below the router's cost; AIQ x 100");
    let line = |name: &str, point: Option<Point>, aiq: f64| -> anyhow::Result<()> {
        // A way whose cheapest setting costs more is shown at that setting.
        say!("  {name:46} {} {:7.2}", point.map_or_else(|| format!("{:>19}", "costs more"), cells), aiq * 100.0);
        Ok(())
    };
    line("router", Some(Point { usd: report.router.usd, score: report.router.score }), report.aiq.router)?;
    report.baselines.iter().try_for_each(|way| line(&way.name, way.within(report.router.usd), way.aiq))?;
    for (way, point, beyond) in report.better() {
        let how_sure = if beyond { "beyond" } else { "within" };
        let points = 100.0 * (point.score - report.router.score);
        say!("  {} does better here: {points:+.2} points at no more cost, {how_sure} the band of the router's curve", way.name);
    }
    report.baselines.iter().filter(|way| is_fitted(way)).try_for_each(|way| {
        say!("  {}: {}", way.name, way.note.as_deref().unwrap_or_default());
        anyhow::Ok(())
    })?;
    report.notes.iter().try_for_each(|note| {
        say!("  {note}");
        Ok(())
    })
}

/// Whether its note says more than its name.
fn is_fitted(way: &Baseline) -> bool {
    way.points.len() > 1 && !["oracle", "zero router"].contains(&way.name.as_str())
}

fn print_tasks(report: &Report) -> anyhow::Result<()> {
    if report.tasks.len() < 2 {
        return Ok(());
    }
    say!("\nby task {:28} {:>5} {:^19} {:^19} {:^19}", "", "rows", "router", "best single", "oracle");
    report.tasks.iter().try_for_each(|task| {
        say!("  {:34} {:5} {} {} {}", task.name, task.rows, cells(task.router), cells(task.best_single), cells(task.oracle));
        Ok(())
    })
}

fn print_weights(report: &Report) -> anyhow::Result<()> {
    say!("\nby cost weight p {:4} {:^19} {:^19}", "", "cost by candidate", "cost by prompt");
    report.cost_weights.iter().try_for_each(|line| {
        say!("  {:18} {} {}", line.cost_weight, cells(line.fixed), cells(line.dynamic));
        Ok(())
    })
}

fn print_front(front: &FrontMetrics) -> anyhow::Result<()> {
    say!("\nbatches as `assign` plans them, against the exact assignment, cost and predicted quality scaled to 0..1");
    say!("  IGD {:.6}, spread {:.4}, hypervolume {:.6} of {:.6}", front.igd, front.spread, front.hypervolume, front.hypervolume_true);
    Ok(())
}

fn print_stability(report: &Report) -> anyhow::Result<()> {
    let Some(lines) = &report.stability else { return Ok(()) };
    say!("\ndecisions that stay under small edits, of prompts that the edit changes");
    lines.iter().filter(|line| line.rows > 0).try_for_each(|line| {
        say!("  {:46} {:7.2}% {:7}", line.edit, 100.0 * line.unchanged, line.rows);
        Ok(())
    })
}
