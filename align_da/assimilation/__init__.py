"""Analysis methods behind one contract."""

from align_da.assimilation.analysis_correction import AnalysisCorrection, CorrectedAnalysis
from align_da.assimilation.contract import Analysis, AnalysisDiagnostics
from align_da.assimilation.hybrid_gain import HybridGain
from align_da.assimilation.latent_score import LatentScoreAnalysis
from align_da.assimilation.latent_three_d_var import LatentThreeDVar
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.assimilation.optimal_interpolation import OptimalInterpolation

__all__ = [
    "LETKF",
    "Analysis",
    "AnalysisCorrection",
    "AnalysisDiagnostics",
    "CorrectedAnalysis",
    "HybridGain",
    "LatentScoreAnalysis",
    "LatentThreeDVar",
    "Localisation",
    "OptimalInterpolation",
]
